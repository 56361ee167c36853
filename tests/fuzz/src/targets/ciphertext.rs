//! Encrypted files and their headers.
//!
//! - An accepted header is encoded to the same bytes.
//! - A file that the fuzzer makes up does not decrypt, because nobody encrypted it to the vault key.
//! - A file that is encrypted under an accepted header decrypts to the plaintext.
//! - With one bit flipped it does not decrypt.
//! - The digest that names a file covers header, `enc` and the commitment of the stream: with one bit of them flipped,
//!   the file is rejected or has another digest.

use crate::damage::flip_bit;
use crate::identities::vault_key;
use enclave_core::Kid;
use enclave_core::crypto::{COMMITMENT_LEN, seal_bytes};
use enclave_core::objects::{Ciphertext, CiphertextHeader, begin_encryption};
use enclave_core_aws_lc::AwsLc;

/// The input is a file, or a header.
pub fn check(data: &[u8]) {
    if let Ok(file) = Ciphertext::parse(data) {
        assert_eq!(file.header.encode().as_deref(), Ok(file.header_bytes));
        assert!(file.open::<AwsLc>(&file.header.owner, vault_key()).is_err(), "a made-up file decrypts");
    }
    let Ok(header) = CiphertextHeader::parse(data) else { return };
    assert_eq!(header.encode().as_deref(), Ok(data));
    let public = vault_key().public();
    let header = CiphertextHeader { kid: Kid::of(&public), ..header };
    let begun = begin_encryption(&header, &public, &[4; 64]).expect("an accepted header is valid");
    let sealed = seal_bytes::<AwsLc>(begun.secret, &begun.aad, data).expect("sealing succeeds");
    let named = begun.prefix.len() + COMMITMENT_LEN;
    let file = [begun.prefix, sealed].concat();
    let opened = Ciphertext::parse(&file).and_then(|file| file.open::<AwsLc>(&header.owner, vault_key()));
    assert_eq!(opened.expect("the file decrypts").as_slice(), data);
    let damaged = flip_bit(&file, data);
    let opened = Ciphertext::parse(&damaged).and_then(|file| file.open::<AwsLc>(&header.owner, vault_key()));
    assert!(opened.is_err());
    let digest = |file: &[u8]| Ciphertext::parse(file).map(|file| file.digest());
    let damaged = [flip_bit(&file[..named], data), file[named..].to_vec()].concat();
    assert_ne!(digest(&damaged), digest(&file));
}
