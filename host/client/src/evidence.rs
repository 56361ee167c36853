//! Formats evidence for output.

use crate::root_id::RootId;
use crate::values::Hex;
use enclave_core::Pcr;
use enclave_core::attestation::Root;
use enclave_core::objects::InputCommitments;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A root's name and digest, as text.
pub fn root_name(root: &Root) -> String {
    let name = if root.is_development() { "DEVELOPMENT" } else { "Amazon's" };
    format!("{name} {}", Hex(RootId::of(root)))
}

/// PCRs as a JSON object with the keys `PCR0`, `PCR1` and so on.
pub fn pcrs_json(pcrs: &BTreeMap<u8, Pcr>) -> Value {
    let named = pcrs.iter().map(|(index, pcr)| (format!("PCR{index}"), Value::from(Hex(*pcr).to_string())));
    named.collect::<Map<_, _>>().into()
}

/// A receipt's commitments to the inputs: to each as the function saw it, and to the encrypted file that it was in.
pub fn commitments_json(inputs: &[InputCommitments]) -> Value {
    inputs.iter().map(|input| json!({"data": Hex(input.data), "ciphertext": input.ciphertext.map(Hex)})).collect()
}

/// PCRs as text fields. PCRs that are all zeros are left out, because nothing was measured into them.
pub fn pcr_fields(pcrs: &BTreeMap<u8, Pcr>) -> Vec<(String, String)> {
    let set = pcrs.iter().filter(|(_, pcr)| **pcr != Pcr::ZERO);
    set.map(|(index, pcr)| (format!("PCR{index}"), Hex(*pcr).to_string())).collect()
}
