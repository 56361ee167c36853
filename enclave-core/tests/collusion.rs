//! A limit of the two-part key: the owner of a vault and the controllers of its KMS key together can read, outside any
//! enclave, what others encrypted to the vault. The threat model refers to this test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::crypto::KemSecret;
use enclave_core::objects::{Ciphertext, StoredObject};
use enclave_core::{DataKey, Error, KeyShare};
use enclave_core_aws_lc::AwsLc;
use serde_json::Value;
use std::fs;

fn case(file: &str, name: &str) -> Value {
    let path = format!("{}/../tests/vectors/protocol/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let cases: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    cases["accept"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap().clone()
}

fn bytes(case: &Value, side: &str, field: &str) -> Vec<u8> {
    let text = case[side][field].as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn owner_and_key_controllers_together_read_what_was_encrypted_to_the_vault() {
    let vault = case("object", "vault key");
    let encrypted = case("ciphertext", "two checksums");
    let stored = bytes(&vault, "in", "stored");
    let secret = |field| <[u8; 32]>::try_from(bytes(&vault, "in", field)).unwrap();
    let controllers = DataKey::new(&secret("data_key"));
    let owner = KeyShare::new(&secret("share"));
    let object = StoredObject::parse(&stored).unwrap();

    // Neither party alone can open the vault key.
    let zeros = [0; 32];
    assert_eq!(object.open::<AwsLc>(&controllers, &KeyShare::new(&zeros)).err(), Some(Error::CannotOpen));
    assert_eq!(object.open::<AwsLc>(&DataKey::new(&zeros), &owner).err(), Some(Error::CannotOpen));

    // Both together can, on any machine. The header names two functions, but only an enclave obeys it.
    let seed = object.open::<AwsLc>(&controllers, &owner).unwrap();
    let file = bytes(&encrypted, "in", "file");
    let file = Ciphertext::parse(&file).unwrap();
    assert!(file.header.checksums.is_some());
    let read = file.open::<AwsLc>(&object.ad.owner, &KemSecret::from_seed(&seed).unwrap()).unwrap();
    assert_eq!(read.as_slice(), bytes(&encrypted, "out", "plain"));
}
