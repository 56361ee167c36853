//! Receipts, and bundles of a receipt with its proof.
//!
//! - An accepted bundle, and an accepted receipt, are encoded to the same bytes.
//! - An accepted receipt, signed by the key in the session's claims, is verified and unchanged.
//! - Under a document from the start of the run, its times are accepted exactly if the run took at most an hour.
//! - Under a document from `CLOCK_AGE` after the start of the run, they are accepted too. A millisecond more is too
//!   much.
//! - With one bit flipped it is not verified.
//! - A bundle may disclose the salt of every commitment. It is rejected with a salt for an output that the run does not
//!   have, or for an encrypted file that the input did not come in.
//! - Commitments that the fuzzer makes up fit no data.

use crate::damage::flip_bit;
use crate::identities::vault_key;
use crate::platform::NOW;
use enclave_core::attestation::{SessionClaims, TrustMode};
use enclave_core::crypto::sha384;
use enclave_core::encoding::SigningKey;
use enclave_core::objects::{Receipt, ReceiptBundle};
use enclave_core::state::CLOCK_AGE;
use enclave_core::{ClaimsDigest, ReceiptKey, Salt};
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
        memory: 0,
    };
    receipt.claims = ClaimsDigest::new(sha384(&[&claims.encode()]));
    let bundle = ReceiptBundle {
        document: vec![0],
        claims: claims.encode(),
        receipt: receipt.sign(&key),
        salts: vec![None; receipt.inputs.len() + 1],
        ciphertext_salts: vec![None; receipt.inputs.len()],
    };
    assert_eq!(ReceiptBundle::parse(&bundle.encode()), Ok(bundle.clone()));
    assert_eq!(bundle.verify_signature(&claims).as_ref(), Ok(&receipt));
    let in_time = receipt.ended.since(receipt.started) <= HOUR;
    assert_eq!(bundle.verify(&claims, receipt.started).is_ok(), in_time);
    let [latest, late] = [CLOCK_AGE, CLOCK_AGE + 1].map(|age| receipt.started.plus(age));
    assert!(!in_time || bundle.verify(&claims, latest).is_ok());
    assert!(late.since(receipt.started) <= CLOCK_AGE || bundle.verify(&claims, late).is_err());
    let damaged = ReceiptBundle { receipt: flip_bit(&bundle.receipt, data), ..bundle.clone() };
    assert!(damaged.verify_signature(&claims).is_err());
    check_salts(&receipt, &claims, bundle, data);
}

/// Discloses every salt of `bundle`, then one that it must not have. `data` stands for output, inputs and files.
fn check_salts(receipt: &Receipt, claims: &SessionClaims, mut bundle: ReceiptBundle, data: &[u8]) {
    let salt = Some(Salt::new([1; 32]));
    bundle.salts.fill(salt);
    bundle.salts[0] = salt.filter(|_| receipt.output.is_some());
    for (disclosed, input) in bundle.ciphertext_salts.iter_mut().zip(&receipt.inputs) {
        *disclosed = salt.filter(|_| input.ciphertext.is_some());
    }
    assert_eq!(ReceiptBundle::parse(&bundle.encode()), Ok(bundle.clone()));
    assert_eq!(bundle.verify_signature(claims).as_ref(), Ok(receipt));
    for (i, input) in receipt.inputs.iter().enumerate() {
        let mut disclosed = vec![None; i + 1];
        disclosed.push(Some(data));
        assert!(bundle.check_data(receipt, &disclosed).is_err(), "a made-up commitment fits");
        assert!(bundle.check_ciphertext(receipt, i, data).is_err(), "a made-up commitment fits");
        let mut excessive = bundle.clone();
        excessive.ciphertext_salts[i] = salt;
        assert_eq!(excessive.verify_signature(claims).is_ok(), input.ciphertext.is_some());
    }
    assert!(bundle.check_data(receipt, &[Some(data)]).is_err(), "a made-up commitment fits");
    bundle.salts[0] = salt;
    assert_eq!(bundle.verify_signature(claims).is_ok(), receipt.output.is_some());
}
