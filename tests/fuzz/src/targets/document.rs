//! Attestation documents.
//!
//! - An accepted document, encoded as AWS does it, is parsed to the same fields. It has no content besides them.
//! - A document that the fuzzer makes up is not verified.
//! - Signed by the fuzzer's own chain, it is verified exactly if PCR0 to PCR2 are there and not zero, and the
//!   certificates are valid at its time. Then the PCRs are those of the document.
//! - Without that signature, under the root of AWS, or with one bit flipped, it is not verified.

use crate::certificates::CHAIN;
use crate::damage::flip_bit;
use enclave_core::Pcr;
use enclave_core::attestation::{Build, Document, MAX_DOCUMENT, Pins, Root, verify_unbound};
use enclave_core::encoding::Writer;
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;

/// The input is a document.
pub fn check(data: &[u8]) {
    let Ok(parsed) = Document::parse(data) else { return };
    let same = sign1(parsed.protected, &payload(&parsed, parsed.certificate, &parsed.cabundle), parsed.signature);
    if same.len() <= MAX_DOCUMENT {
        let again = Document::parse(&same).expect("the document encoded as AWS does it is accepted");
        assert_eq!(again, Document { payload: again.payload, null_header: false, ..parsed.clone() });
        // One byte more is the end of an indefinite map.
        assert!(parsed.payload.len() <= again.payload.len() + 1, "the document has content besides its fields");
    }
    let pcr0 = *parsed.pcrs.get(&0).filter(|value| **value != Pcr::ZERO).unwrap_or(&Pcr::new([1; 48]));
    let build = Build::new(pcr0, BTreeMap::new()).expect("a valid pin");
    let pins = Pins::new(vec![build], Vec::new()).expect("valid pins");
    let verify = |bytes: &[u8], root: &Root| {
        verify_unbound::<AwsLc>(bytes, root, &pins, parsed.nonce, parsed.timestamp, 0).map(|facts| facts.pcrs)
    };
    assert!(verify(data, &CHAIN.root).is_err(), "a made-up document is verified");

    let payload = payload(&parsed, &CHAIN.leaf, &[CHAIN.root.der()]);
    let unsigned = sign1(parsed.protected, &payload, parsed.signature);
    let Ok(to_sign) = Document::parse(&unsigned).map(|document| document.to_be_signed()) else { return };
    let signed = sign1(parsed.protected, &payload, &CHAIN.sign(&to_sign));
    let measured = (0..=2).all(|index| parsed.pcrs.get(&index).is_some_and(|value| *value != Pcr::ZERO));
    // Years of 365 days since 1970. The certificates are valid from 1975 to 4096, which is about year 5 to year 2127.
    let years = parsed.timestamp.get() / (1_000 * 86_400 * 365);
    match verify(&signed, &CHAIN.root) {
        Ok(pcrs) => assert!(measured && (4..2130).contains(&years) && pcrs == parsed.pcrs),
        Err(error) => assert!(!measured || !(7..2120).contains(&years), "a signed document is rejected: {error}"),
    }
    assert!(verify(&unsigned, &CHAIN.root).is_err() && verify(&signed, &Root::aws()).is_err());
    assert!(verify(&flip_bit(&signed, data), &CHAIN.root).is_err());
}

/// Encodes the payload with the document's fields and this chain, as AWS does it.
fn payload(document: &Document<'_>, certificate: &[u8], cabundle: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(9).text("module_id").text(document.module_id).text("digest").text("SHA384");
    writer.text("timestamp").uint(document.timestamp.get()).text("pcrs").map(document.pcrs.len() as u64);
    for (index, value) in &document.pcrs {
        writer.uint(u64::from(*index)).bytes(value);
    }
    writer.text("certificate").bytes(certificate).text("cabundle").array(cabundle.len() as u64);
    for certificate in cabundle {
        writer.bytes(certificate);
    }
    let optional = |writer: &mut Writer, bytes: &[u8]| {
        writer.bytes(bytes);
    };
    writer.text("public_key").nullable(document.public_key, optional);
    writer.text("user_data").nullable(document.user_data, optional);
    writer.text("nonce").nullable(document.nonce, optional);
    writer.finish()
}

/// Encodes a COSE_Sign1 without a tag.
fn sign1(protected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(4).bytes(protected).map(0).bytes(payload).bytes(signature);
    writer.finish()
}
