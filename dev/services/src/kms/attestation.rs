//! Verification of the attestation document in `Recipient`, as in AWS KMS: chain, signature, age, public key.
//!
//! This module reads documents with crates of AWS and others. It does not use the core's reader, so that a mistake in
//! the core's code cannot hide itself.

use super::members::{blob, needed, text};
use super::refusal::{Exception, Refusal};
use crate::cose;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Digest};
use rcgen::{PublicKeyData as _, SubjectPublicKeyInfo};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs::ECDSA_P384_SHA384};

/// The longest document, in bytes (AWS KMS API Reference, "RecipientInfo").
const MAX_DOCUMENT: usize = 262_144;
/// The largest difference between a document's time and now, in milliseconds.
const MAX_AGE: u64 = 5 * 60_000;

/// The facts of a verified document.
pub struct Attested {
    /// The PCRs.
    pub pcrs: BTreeMap<usize, Vec<u8>>,
    /// The RSA key of the recipient.
    pub public_key: SubjectPublicKeyInfo,
}

/// The verified recipient of a request at `now` (milliseconds since 1970). `None` if the request names no recipient.
///
/// # Errors
/// `ValidationException`.
pub fn recipient(body: &Map<String, Value>, roots: &[Vec<u8>], now: u64) -> Result<Option<Attested>, Refusal> {
    let recipient = match body.get("Recipient") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(recipient)) => recipient,
        Some(_) => return Err(Refusal::new(Exception::Validation, "Recipient is not an object")),
    };
    if needed(text(recipient, "KeyEncryptionAlgorithm", 64)?, "KeyEncryptionAlgorithm")? != "RSAES_OAEP_SHA_256" {
        return Err(Refusal::new(Exception::Validation, "KeyEncryptionAlgorithm is not RSAES_OAEP_SHA_256"));
    }
    let document = needed(blob(recipient, "AttestationDocument", MAX_DOCUMENT)?, "AttestationDocument")?;
    let verified = verify(&document, roots, now);
    verified.map(Some).map_err(|why| Refusal::new(Exception::Validation, format!("AttestationDocument: {why}")))
}

/// Verifies a document at `now` (milliseconds since 1970). The error is a text for people.
fn verify(document: &[u8], roots: &[Vec<u8>], now: u64) -> Result<Attested, &'static str> {
    let (payload, signature) = cose::parse(document).ok_or("not a COSE_Sign1 with ES384")?;
    let doc = AttestationDoc::from_binary(payload).map_err(|_| "not an attestation document")?;
    if doc.digest != Digest::SHA384 || !doc.pcrs.contains_key(&0) {
        return Err("it has no SHA-384 PCRs");
    }
    verify_chain(&doc, roots)?;
    let leaf = CertificateDer::from(doc.certificate.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| "not a certificate")?;
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, leaf.subject_public_key_info().as_ref())
        .verify(&cose::to_be_signed(payload), signature)
        .map_err(|_| "the signature does not verify")?;
    if now.abs_diff(doc.timestamp) > MAX_AGE {
        return Err("expired or not yet valid");
    }
    let public_key = doc.public_key.ok_or("it has no public key")?.into_vec();
    let size = PublicEncryptingKey::from_der(&public_key).map_err(|_| "the public key is not RSA")?.key_size_bytes();
    if !(256..=512).contains(&size) {
        return Err("the public key does not have 2,048 to 4,096 bits");
    }
    let spki = SubjectPublicKeyInfo::from_der(&public_key).map_err(|_| "the public key is not SPKI")?;
    if spki.subject_public_key_info() != public_key {
        // CMS names the recipient by a hash of the key's encoding, so the encoding must be the canonical one.
        return Err("the public key is not in DER");
    }
    let pcrs = doc.pcrs.into_iter().map(|(index, value)| (index, value.into_vec())).collect();
    Ok(Attested { pcrs, public_key: spki })
}

/// Verifies the certificate chain at the document's own time. The caller checks the age.
fn verify_chain(doc: &AttestationDoc, roots: &[Vec<u8>]) -> Result<(), &'static str> {
    let time = UnixTime::since_unix_epoch(Duration::from_millis(doc.timestamp));
    let leaf = CertificateDer::from(doc.certificate.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| "not a certificate")?;
    let intermediates: Vec<_> = doc.cabundle.iter().skip(1).map(|der| CertificateDer::from(der.as_slice())).collect();
    for root in roots {
        let root = CertificateDer::from(root.as_slice());
        let anchor = anchor_from_trusted_cert(&root).map_err(|_| "the root is not a certificate")?;
        let (algorithms, usage) = ([ECDSA_P384_SHA384], KeyUsage::server_auth());
        if leaf.verify_for_usage(&algorithms, &[anchor], &intermediates, time, usage, None, None).is_ok() {
            return Ok(());
        }
    }
    Err("the chain does not lead to a known root")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn vector(name: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/attestation").join(name)).unwrap()
    }

    /// Genuine documents of AWS pass every check up to their key, which is not RSA. Others fail before.
    #[test]
    fn accepts_genuine_documents_and_refuses_old_damaged_and_unknown_ones() {
        let root = vec![vector("aws-nitro-root-g1.der")];
        let verdict = |name: &str, later| verify(&vector(name), &root, later).map(|_| ()).unwrap_err();
        assert_eq!(verdict("2025-04-29-pcr16.cose", 1_745_922_759_691), "the public key is not RSA");
        assert_eq!(verdict("2025-11-10-indefinite-map.cose", 1_762_795_210_812), "the public key is not RSA");
        assert_eq!(verdict("2025-04-29-pcr16.cose", 1_745_922_759_691 + MAX_AGE + 1), "expired or not yet valid");
        assert_eq!(verdict("2022-11-10-bad-signature.cose", 1_668_034_320_696), "the signature does not verify");
        assert_eq!(verdict("self-signed.cose", 1_713_379_906), "not a COSE_Sign1 with ES384");
        let unknown = verify(&vector("2025-04-29-pcr16.cose"), &[], 1_745_922_759_691).map(|_| ());
        assert_eq!(unknown, Err("the chain does not lead to a known root"));
    }
}
