//! Verifying a document, compared with its signature checks alone.

use crate::measure::{pair, row};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use enclave_core::attestation::{Build, Document, Pins, Root, verify_unbound};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use std::fs;

/// The first DER element: its tag, its content, the whole element, and what follows it.
fn element(der: &[u8]) -> (u8, &[u8], &[u8], &[u8]) {
    let (head, length) = match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
    };
    (der[0], &der[head..head + length], &der[..head + length], &der[head + length..])
}

/// The signed part, the public key and the signature of a certificate.
fn certificate_parts(der: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (_, certificate, _, _) = element(der);
    let (_, fields, signed, rest) = element(certificate);
    let (_, _, _, rest) = element(rest);
    let signature = element(rest).1[1..].to_vec();
    // version, serialNumber, signature, issuer, validity and subject come before the key.
    let mut at = fields;
    for _ in 0..6 {
        at = element(at).3;
    }
    let (_, key, _, _) = element(at);
    let point = element(element(key).3).1[1..].to_vec();
    (signed.to_vec(), point, signature)
}

pub fn run() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/attestation/2025-04-29-pcr16.cose");
    let bytes = fs::read(path).unwrap();
    let parsed = Document::parse(&bytes).unwrap();
    let pins = Pins::new(vec![Build::new(parsed.pcrs[&0], BTreeMap::new()).unwrap()], Vec::new()).unwrap();
    let root = Root::aws();
    let at = parsed.timestamp;

    let chain: Vec<_> = parsed.cabundle.iter().copied().chain([parsed.certificate]).map(certificate_parts).collect();
    let signed = parsed.to_be_signed();
    let floor = || {
        for pair in chain.windows(2) {
            let [(_, issuer, _), (signed, _, signature)] = pair else { unreachable!() };
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, issuer).verify(signed, signature).unwrap();
        }
        let (_, leaf, _) = chain.last().unwrap();
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, leaf).verify(&signed, parsed.signature).unwrap();
    };
    let ours = || {
        verify_unbound::<AwsLc>(&bytes, &root, &pins, None, at, 60_000).unwrap();
    };
    let (ours, floor) = pair(101, ours, floor);
    row("verify a document / its bare signature checks", ours, floor, "≤ 1.1");
}
