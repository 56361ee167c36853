//! How evidence is shown.

use crate::values::Hex;
use enclave_core::document::Pcr;
use enclave_core::verify::Root;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whose root it is, for people.
pub fn root_name(root: &Root) -> String {
    let name = if root.is_development() { "DEVELOPMENT" } else { "Amazon's" };
    format!("{name} {}", Hex(root.sha256()))
}

/// PCRs by their names, `PCR0` and so on.
pub fn pcrs_json(pcrs: &BTreeMap<u8, Pcr>) -> Value {
    let named = pcrs.iter().map(|(index, pcr)| (format!("PCR{index}"), Value::from(Hex(*pcr).to_string())));
    named.collect::<Map<_, _>>().into()
}

/// PCRs for people: those that hold something. Locked ones of zeros say nothing but that they are locked.
pub fn pcr_fields(pcrs: &BTreeMap<u8, Pcr>) -> Vec<(String, String)> {
    let said = pcrs.iter().filter(|(_, pcr)| **pcr != [0; 48]);
    said.map(|(index, pcr)| (format!("PCR{index}"), Hex(*pcr).to_string())).collect()
}
