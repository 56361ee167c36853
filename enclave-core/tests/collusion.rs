//! What the two halves do not do: the owner of a vault and the controllers of its KMS key, together, read outside of any
//! enclave what somebody encrypted to it. The threat model points here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::Error;
use enclave_core::ciphertext::Ciphertext;
use enclave_core::object::Head;
use enclave_core::seal::KemSecret;
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
fn owner_and_key_controllers_together_read_what_was_encrypted_to_her_vault() {
    let vault = case("object", "vault key");
    let letter = case("ciphertext", "two checksums");
    let stored = bytes(&vault, "in", "stored");
    let (controllers, owner) = (bytes(&vault, "in", "data_key"), bytes(&vault, "in", "half"));
    let head = Head::parse(&stored).unwrap();

    // Neither alone.
    assert_eq!(head.open::<AwsLc>(&controllers, &[0; 32]).err(), Some(Error::CannotOpen));
    assert_eq!(head.open::<AwsLc>(&[0; 32], &owner).err(), Some(Error::CannotOpen));

    // Both together, on anybody's machine; that the letter was meant for two functions alone stops nobody here.
    let seed = head.open::<AwsLc>(&controllers, &owner).unwrap();
    let file = bytes(&letter, "in", "file");
    let file = Ciphertext::parse(&file).unwrap();
    assert!(file.header.checksums.is_some());
    let read = file.open::<AwsLc>(&head.ad.owner, &KemSecret::from_seed(&seed).unwrap()).unwrap();
    assert_eq!(read.as_slice(), bytes(&letter, "out", "plain"));
}
