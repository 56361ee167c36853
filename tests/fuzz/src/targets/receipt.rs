//! Receipts, and bundles of a receipt with its proof.
//!
//! - An accepted bundle, and an accepted receipt, are encoded to the same bytes.
//! - An accepted receipt, signed by the key in the session's claims, is verified and unchanged.
//! - Under a document from the start of the run, its times are accepted exactly if the run took at most an hour.
//! - Under a document from more than five minutes after the start of the run, it is not verified.
//! - With one bit flipped it is not verified.

use crate::damage::flip_bit;
use crate::identities::vault_key;
use crate::platform::NOW;
use enclave_core::attestation::{MAX_SKEW, SessionClaims, TrustMode};
use enclave_core::crypto::sha384;
use enclave_core::encoding::SigningKey;
use enclave_core::objects::{Receipt, ReceiptBundle};
use enclave_core::{ClaimsDigest, ReceiptKey};
use zeroize::Zeroizing;

/// The longest time from the document to the end of the run, in milliseconds.
const HOUR: u64 = 3_600_000;

/// The input is a bundle, or a receipt.
pub fn check(data: &[u8]) {
    if let Ok(bundle) = ReceiptBundle::parse(data) {
        assert_eq!(bundle.encode(), data);
        if let Ok(claims) = SessionClaims::parse(&bundle.claims, TrustMode::Development) {
            let _ = bundle.verify(&claims, NOW);
        }
    }
    let Ok(mut receipt) = Receipt::parse(data) else { return };
    assert_eq!(receipt.encode(), data);
    let key = SigningKey::from_seed(&Zeroizing::new([6; 32]));
    let claims = SessionClaims {
        hello: [0; 48],
        exporter: [0; 32],
        kem_public: vault_key().public(),
        receipt_key: ReceiptKey::new(key.public()),
        configuration: Vec::new(),
        kms: None,
    };
    receipt.claims = ClaimsDigest::new(sha384(&[&claims.encode()]));
    let bundle = ReceiptBundle {
        document: vec![0],
        claims: claims.encode(),
        receipt: receipt.sign(&key),
        salts: vec![None; receipt.inputs.len() + 1],
    };
    assert_eq!(ReceiptBundle::parse(&bundle.encode()), Ok(bundle.clone()));
    assert_eq!(bundle.verify_signature(&claims).as_ref(), Ok(&receipt));
    let in_time = receipt.ended.since(receipt.started) <= HOUR;
    assert_eq!(bundle.verify(&claims, receipt.started).is_ok(), in_time);
    let late = receipt.started.plus(MAX_SKEW + 1);
    assert!(late.since(receipt.started) <= MAX_SKEW || bundle.verify(&claims, late).is_err());
    let damaged = ReceiptBundle { receipt: flip_bit(&bundle.receipt, data), ..bundle };
    assert!(damaged.verify_signature(&claims).is_err());
}
