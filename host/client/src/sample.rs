//! Data for unit tests.

use crate::Crypto;
use enclave_core::crypto::{KemSecret, seal_bytes};
use enclave_core::messages::{RunStatus, Verb};
use enclave_core::objects::{CiphertextHeader, InputCommitments, Receipt, ReceiptFunction, begin_encryption};
use enclave_core::{Checksum, ClaimsDigest, Commitment, Kid, ObjectId, OwnerKey, RequestDigest, UnixMillis};

/// The ARN of a KMS key.
pub const ARN: &str = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";

/// An encrypted file. Files of different `entropy` are encrypted with different keys.
pub fn encrypted_file(content: &[u8], entropy: u8) -> Vec<u8> {
    let key = KemSecret::from_seed(&[7; 32]).unwrap().public();
    let header = CiphertextHeader { owner: OwnerKey::new([9; 32]), kid: Kid::of(&key), checksums: None };
    let encryption = begin_encryption(&header, &key, &[entropy; 64]).unwrap();
    let stream = seal_bytes::<Crypto>(encryption.secret, &encryption.aad, content).unwrap();
    [encryption.prefix, stream].concat()
}

/// A receipt with these commitments.
pub fn receipt(inputs: Vec<InputCommitments>, output: Option<Commitment>) -> Receipt {
    let owner = OwnerKey::new([0; 32]);
    Receipt {
        claims: ClaimsDigest::new([0; 48]),
        request: RequestDigest::new([0; 48]),
        function: ReceiptFunction { owner, id: ObjectId::new([0; 16]), version: 1, checksum: Checksum::new([0; 32]) },
        caller: owner,
        inputs,
        output,
        status: RunStatus::DONE,
        started: UnixMillis::new(0),
        ended: UnixMillis::new(0),
        verb: Verb::Run,
    }
}
