//! The document in `Recipient`, verified as AWS KMS does: chain, signature, age, and the key that it carries.
//!
//! This reads documents with the crates of AWS and others, and not with the core's own reader, so that what the
//! core asks for is judged by somebody else.

use super::{Refusal, Why, blob, needed, text};
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use aws_nitro_enclaves_nsm_api::api::{AttestationDoc, Digest};
use minicbor::{Decoder, Encoder};
use rcgen::{PublicKeyData as _, SubjectPublicKeyInfo};
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs::ECDSA_P384_SHA384};

/// The longest document, in bytes (AWS KMS API Reference, "RecipientInfo").
const LONGEST: usize = 262_144;
/// How far a document's time may be from now, in milliseconds.
const MAX_AGE: u64 = 5 * 60_000;
/// {1: -35}, ES384.
const ES384: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// What a verified document says.
pub struct Attested {
    /// Its PCRs.
    pub pcrs: BTreeMap<usize, Vec<u8>>,
    /// Its RSA key.
    pub public_key: SubjectPublicKeyInfo,
}

/// The recipient of a request of `now` (milliseconds since 1970), if it names one.
pub fn recipient(body: &Map<String, Value>, roots: &[Vec<u8>], now: u64) -> Result<Option<Attested>, Refusal> {
    let recipient = match body.get("Recipient") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(recipient)) => recipient,
        Some(_) => return Err(Refusal::new(Why::Validation, "Recipient is not an object")),
    };
    if needed(text(recipient, "KeyEncryptionAlgorithm", 64)?, "KeyEncryptionAlgorithm")? != "RSAES_OAEP_SHA_256" {
        return Err(Refusal::new(Why::Validation, "KeyEncryptionAlgorithm is not RSAES_OAEP_SHA_256"));
    }
    let document = needed(blob(recipient, "AttestationDocument", LONGEST)?, "AttestationDocument")?;
    let verified = verify(&document, roots, now);
    verified.map(Some).map_err(|why| Refusal::new(Why::Validation, format!("AttestationDocument: {why}")))
}

/// Verifies a document at `now`; the error says what is wrong with it.
fn verify(document: &[u8], roots: &[Vec<u8>], now: u64) -> Result<Attested, &'static str> {
    let (payload, signature) = cose(document).ok_or("not a COSE_Sign1 by ES384")?;
    let doc = AttestationDoc::from_binary(payload).map_err(|_| "not an attestation document")?;
    if doc.digest != Digest::SHA384 || !doc.pcrs.contains_key(&0) {
        return Err("no SHA-384 PCRs");
    }
    chain(&doc, roots)?;
    let leaf = CertificateDer::from(doc.certificate.as_slice());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| "not a certificate")?;
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, leaf.subject_public_key_info().as_ref())
        .verify(&to_be_signed(payload), signature)
        .map_err(|_| "the signature does not verify")?;
    if now.abs_diff(doc.timestamp) > MAX_AGE {
        return Err("expired, or not yet valid");
    }
    let public_key = doc.public_key.ok_or("no public key")?.into_vec();
    let size = PublicEncryptingKey::from_der(&public_key).map_err(|_| "the public key is not RSA")?.key_size_bytes();
    if !(256..=512).contains(&size) {
        return Err("the public key is not of 2,048 to 4,096 bits");
    }
    let spki = SubjectPublicKeyInfo::from_der(&public_key).map_err(|_| "the public key is not SPKI")?;
    if spki.subject_public_key_info() != public_key {
        // Written otherwise than it came, it would have another identifier.
        return Err("the public key is not in DER");
    }
    let pcrs = doc.pcrs.into_iter().map(|(index, value)| (index, value.into_vec())).collect();
    Ok(Attested { pcrs, public_key: spki })
}

/// The chain at the document's own time; how old that may be is another question.
fn chain(doc: &AttestationDoc, roots: &[Vec<u8>]) -> Result<(), &'static str> {
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
    Err("the chain leads to no known root")
}

/// Payload and signature of an untagged COSE_Sign1 with ES384 and nothing unprotected.
fn cose(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut decoder = Decoder::new(document);
    let whole = decoder.array().ok()? == Some(4) && decoder.bytes().ok()? == ES384 && decoder.map().ok()? == Some(0);
    let (payload, signature) = (decoder.bytes().ok()?, decoder.bytes().ok()?);
    (whole && decoder.position() == document.len()).then_some((payload, signature))
}

/// Sig_structure (RFC 9052, 4.4).
fn to_be_signed(payload: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing into memory cannot fail.
    let _ = encoder.array(4).and_then(|to| to.str("Signature1")?.bytes(&ES384)?.bytes(&[])?.bytes(payload));
    encoder.into_writer()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn vector(name: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/attestation").join(name)).unwrap()
    }

    /// Real documents get as far as their key, which KMS could not use; others fall before.
    #[test]
    fn documents_of_aws() {
        let root = vec![vector("aws-nitro-root-g1.der")];
        let verdict = |name: &str, later| verify(&vector(name), &root, later).map(|_| ()).unwrap_err();
        assert_eq!(verdict("2025-04-29-pcr16.cose", 1_745_922_759_691), "the public key is not RSA");
        assert_eq!(verdict("2025-11-10-indefinite-map.cose", 1_762_795_210_812), "the public key is not RSA");
        assert_eq!(verdict("2025-04-29-pcr16.cose", 1_745_922_759_691 + MAX_AGE + 1), "expired, or not yet valid");
        assert_eq!(verdict("2022-11-10-bad-signature.cose", 1_668_034_320_696), "the signature does not verify");
        assert_eq!(verdict("self-signed.cose", 1_713_379_906), "not a COSE_Sign1 by ES384");
        let unknown = verify(&vector("2025-04-29-pcr16.cose"), &[], 1_745_922_759_691).map(|_| ());
        assert_eq!(unknown, Err("the chain leads to no known root"));
    }
}
