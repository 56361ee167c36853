//! The documents of the NSM: verified by `openssl` and by the core's verifier, and compared with those of AWS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Request};
use capelet_dev::nsm::Faults;
use common::{Enclave, now, openssl, parts, payload, vector};
use enclave_core::attestation::{AttestationFacts, Build, Pins, Root, verify_unbound};
use enclave_core::{Error, Pcr, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const MODERN: &str = "2025-04-29-pcr16.cose";
const INDEFINITE: &str = "2025-11-10-indefinite-map.cose";

/// Writes a document's certificates to PEM files, and returns their paths: leaf, instance, zone, region, root.
fn certificates(document: &AttestationDoc, directory: &Path) -> Vec<String> {
    let ders = std::iter::once(&document.certificate).chain(document.cabundle.iter().rev());
    let each = ders.enumerate().map(|(number, der)| {
        let path = directory.join(format!("{number}.pem"));
        let pem = openssl(&["x509", "-inform", "DER"], der).unwrap();
        fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_string()
    });
    each.collect()
}

/// Verifies chain and signature with `openssl` at the document's time.
fn openssl_verifies(document: &[u8], root: &[u8]) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_string();
    let (payload_bytes, signature) = parts(document);
    let doc = AttestationDoc::from_binary(&payload_bytes).unwrap();
    let files = certificates(&doc, directory.path());
    fs::write(at("root.pem"), openssl(&["x509", "-inform", "DER"], root).unwrap()).unwrap();
    let seconds = (doc.timestamp / 1000).to_string();
    let mut verify = vec!["verify", "-attime", &seconds];
    let root_file = at("root.pem");
    verify.extend(["-trusted", &root_file]);
    for intermediate in &files[1..files.len() - 1] {
        verify.extend(["-untrusted", intermediate]);
    }
    verify.push(&files[0]);
    openssl(&verify, b"")?;

    // openssl needs the signature in DER: SEQUENCE { INTEGER r, INTEGER s }.
    fs::write(at("key.pem"), openssl(&["x509", "-in", &files[0], "-noout", "-pubkey"], b"").unwrap()).unwrap();
    let integer = |bytes: &[u8]| {
        let mut bytes = bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(0)..].to_vec();
        if bytes[0] > 0x7f {
            bytes.insert(0, 0);
        }
        [vec![2, bytes.len() as u8], bytes].concat()
    };
    let both = [integer(&signature[..48]), integer(&signature[48..])].concat();
    fs::write(at("signature"), [vec![0x30, both.len() as u8], both].concat()).unwrap();
    let mut signed = Encoder::new(Vec::new());
    signed.array(4).unwrap().str("Signature1").unwrap().bytes(&[0xa1, 1, 0x38, 0x22]).unwrap();
    signed.bytes(&[]).unwrap().bytes(&payload_bytes).unwrap();
    let (key, signature) = (at("key.pem"), at("signature"));
    openssl(&["dgst", "-sha384", "-verify", &key, "-signature", &signature], &signed.into_writer()).map(drop)
}

fn verified(enclave: &Enclave, document: &[u8], at: u64, nonce: Option<&[u8]>) -> Result<AttestationFacts, Error> {
    let root = Root::development(enclave.root.der().to_vec()).unwrap();
    let build = Build::new(Pcr::new(enclave.measured.pcr0), BTreeMap::new()).unwrap();
    let pins = Pins::new(vec![build], Vec::new()).unwrap();
    verify_unbound::<AwsLc>(document, &root, &pins, nonce, UnixMillis::new(at), 300_000)
}

#[test]
fn both_verifiers_accept_its_documents() {
    let enclave = Enclave::boot();
    for indefinite_map in [false, true] {
        enclave.nsm.set_faults(Faults { indefinite_map, ..Faults::default() });
        for (key, nonce) in [(None, None), (Some(vec![1; 300]), None), (Some(vec![2; 1024]), Some(vec![3; 512]))] {
            let document = enclave.document(key, nonce.clone());
            openssl_verifies(&document, enclave.root.der()).unwrap();
            verified(&enclave, &document, now(), nonce.as_deref()).unwrap();
        }
    }
}

/// `openssl` verifies chain and signature only.
#[test]
fn core_finds_every_fault_and_openssl_those_of_chain_and_signature() {
    let enclave = Enclave::frozen();
    let nonce = vec![9; 32];
    let ok = Faults::default();
    let day = 24 * 3_600_000;
    for (faults, by_openssl, code) in [
        (ok, true, None),
        (Faults { clock_offset: -300_001, ..ok }, true, Some("expired")),
        (Faults { clock_offset: 300_001, ..ok }, true, Some("not-yet-valid")),
        (Faults { clock_offset: -400 * day, ..ok }, true, Some("expired")),
        (Faults { clock_offset: 2 * day, ..ok }, true, Some("not-yet-valid")),
        (Faults { expired_leaf: true, ..ok }, false, Some("untrusted-root")),
        (Faults { other_root: true, ..ok }, false, Some("untrusted-root")),
        (Faults { flipped_signature: true, ..ok }, false, Some("bad-signature")),
        (Faults { withheld_nonce: true, ..ok }, true, Some("nonce-mismatch")),
        (ok, true, None),
    ] {
        enclave.nsm.set_faults(faults);
        let document = enclave.document(None, Some(nonce.clone()));
        assert_eq!(openssl_verifies(&document, enclave.root.der()).is_ok(), by_openssl, "{faults:?}");
        let found = verified(&enclave, &document, enclave.now(), Some(&nonce)).err();
        if faults.expired_leaf {
            // The verifier may report an expired leaf by either of two errors.
            assert!(matches!(found, Some(Error::UntrustedRoot | Error::CertificateExpired { .. })), "{found:?}");
        } else {
            assert_eq!(found.map(Error::code), code, "{faults:?}");
        }
    }
    let other = Enclave::boot_with(b"other code", b"the worker's code");
    let pcr0_of_another = verified(&enclave, &other.document(None, None), now(), None);
    assert_eq!(pcr0_of_another.err(), Some(Error::UntrustedRoot), "the other enclave also has another root");
}

/// The order, types and keys of all items, and the lengths of items with a fixed length.
fn skeleton(bytes: &[u8]) -> Vec<String> {
    let (mut decoder, mut seen) = (Decoder::new(bytes), Vec::new());
    while decoder.position() < bytes.len() {
        let kind = decoder.datatype().unwrap();
        match kind {
            Type::Map | Type::MapIndef => seen.push(format!("{:?}", decoder.map().unwrap())),
            Type::Array => seen.push(format!("{:?}", decoder.array().unwrap())),
            Type::String => {
                let text = decoder.str().unwrap();
                seen.push(if text.starts_with("i-") { format!("id {}", text.len()) } else { text.to_string() });
            }
            Type::Bytes => {
                let length = decoder.bytes().unwrap().len();
                seen.push(if length == 48 { "digest".to_string() } else { "bytes".to_string() });
            }
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let number = decoder.u64().unwrap();
                seen.push(if kind == Type::U64 { "time".to_string() } else { number.to_string() });
            }
            _ => {
                decoder.skip().unwrap();
                seen.push(format!("{kind:?}"));
            }
        }
    }
    seen
}

/// The encoder also writes a decoded document of AWS again, byte for byte.
#[test]
fn documents_have_the_structure_of_aws_documents() {
    let enclave = Enclave::boot();
    enclave.ask(&Request::LockPCR { index: 16 });
    for (name, indefinite_map) in [(MODERN, false), (INDEFINITE, true)] {
        let real = parts(&vector("attestation", name)).0;
        enclave.nsm.set_faults(Faults { indefinite_map, ..Faults::default() });
        let request = Request::Attestation {
            user_data: Some(Vec::new().into()),
            nonce: None,
            public_key: Some(vec![1; 32].into()),
        };
        let aws_nitro_enclaves_nsm_api::api::Response::Attestation { document } = enclave.ask(&request) else {
            panic!()
        };
        assert_eq!(skeleton(&parts(&document).0), skeleton(&real), "{name}");
        let mut again = AttestationDoc::from_binary(&real).unwrap().to_binary();
        if indefinite_map {
            again[0] = 0xbf;
            again.push(0xff);
        }
        assert!(again == real, "{name}");
    }
}

/// The extensions and algorithms of a certificate, as `openssl` prints them. Names, keys and times are left out.
fn shape(der: &[u8]) -> Vec<String> {
    let text = openssl(&["x509", "-inform", "DER", "-noout", "-text"], der).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines().map(str::trim);
    let told = ["Version", "Signature Algorithm", "ASN1 OID", "X509v3", "Digital Signature", "Certificate Sign"];
    let mut shape: Vec<_> = lines
        // The full text "CA:TRUE" is needed, because one key identifier in 256 begins with "CA:".
        .filter(|line| line.starts_with("CA:TRUE") || told.iter().any(|known| line.starts_with(known)))
        // The development root has no revocation list.
        .filter(|line| !line.contains("CRL Distribution"))
        .map(str::to_string)
        .collect();
    shape.sort();
    shape
}

#[test]
fn certificates_have_the_form_of_aws_certificates() {
    let enclave = Enclave::boot();
    let (ours, real) = (payload(&enclave.document(None, None)), payload(&vector("attestation", MODERN)));
    assert_eq!(ours.cabundle.len(), real.cabundle.len());
    assert_eq!(ours.cabundle[0].as_slice(), enclave.root.der());
    for (ours, real) in ours.cabundle.iter().zip(&real.cabundle) {
        assert_eq!(shape(ours), shape(real));
    }
    assert_eq!(shape(&ours.certificate), shape(&real.certificate));
    for der in ours.cabundle.iter().chain([&ours.certificate]) {
        let names = openssl(&["x509", "-inform", "DER", "-noout", "-subject", "-issuer"], der).unwrap();
        let names = String::from_utf8(names).unwrap();
        assert!(names.lines().all(|name| name.contains("DEVELOPMENT")), "{names}");
    }
}

#[test]
fn each_document_has_its_own_leaf_of_three_hours() {
    let enclave = Enclave::boot();
    let (one, two) = (payload(&enclave.document(None, None)), payload(&enclave.document(None, None)));
    assert_ne!(one.certificate, two.certificate);
    assert_eq!(one.cabundle, two.cabundle);
    let dates = openssl(&["x509", "-inform", "DER", "-noout", "-checkend", "10800"], &one.certificate);
    assert!(dates.is_ok(), "the leaf must be valid for three hours: {dates:?}");
    let dates = openssl(&["x509", "-inform", "DER", "-noout", "-checkend", "10804"], &one.certificate);
    assert!(dates.is_err(), "the leaf must expire a few seconds later");
}
