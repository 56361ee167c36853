//! An owner's key is compared in every byte: a key that differs in one byte is another owner's.
//!
//! `identity/authorization.rs` has the same test for the comparisons of a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_hostile_bytes::byte_flips;
use enclave_core::crypto::{KemSecret, seal_bytes, sha256};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::messages::KeyShares;
use enclave_core::objects::{Ciphertext, CiphertextHeader, begin_encryption};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{
    Checksum, Configuration, Deployers, Error, KeyShare, Kid, Limits, MessageKind, ObjectId, OwnerKey, Pcr, UnixMillis,
};
use enclave_core_aws_lc::AwsLc;
use zeroize::Zeroizing;

const ID: ObjectId = ObjectId::new([1; 16]);
const IMAGE: Pcr = Pcr::new([2; 48]);

fn identity() -> Identity {
    Identity::from_secret(Zeroizing::new([9; 32]))
}

fn arn() -> Arn {
    Arn::parse("arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000001").unwrap()
}

/// The 32 keys that differ from the owner's in one byte, the first byte first.
fn near_owners() -> Vec<OwnerKey> {
    let owner = identity().owner();
    byte_flips(owner.as_bytes(), 1).map(|flip| OwnerKey::new(flip.bytes.try_into().unwrap())).collect()
}

/// The parsed list of these keys.
fn deployers(keys: Vec<OwnerKey>) -> Deployers {
    let list = Deployers::encode(&[7; 32], keys);
    let configuration = Configuration { arn: arn(), limits: Limits::MAXIMA, deployers: Some(sha256(&[&list])) };
    Deployers::parse(&configuration, Some(&list)).unwrap().unwrap()
}

#[test]
fn a_list_of_deployers_allows_only_the_keys_that_it_contains() {
    let (owner, near) = (identity().owner(), near_owners());
    let without = deployers(near.clone());
    assert_eq!(without.count(), 32);
    assert!(!without.allowed(&owner));
    let alone = deployers(vec![owner]);
    assert!(alone.allowed(&owner));
    for (at, near) in near.iter().enumerate() {
        assert!(without.allowed(near), "byte {at}");
        assert!(!alone.allowed(near), "byte {at}");
    }
}

#[test]
fn rejects_records_that_name_another_owner_than_their_signer() {
    let owner = identity().owner();
    let mismatch = Err(Error::Mismatch(MessageKind::Record));
    let function = |owner| {
        let (checksum, issued) = (Checksum::new([3; 32]), UnixMillis::new(1));
        FunctionRecord { owner, id: ID, version: 1, checksum, issued, arn: arn(), image: IMAGE }
    };
    let vault = |owner| {
        let (kid, document, claims) = (Kid::new([4; 32]), [5; 48], [6; 48]);
        VaultRecord { owner, epoch: 1, kid, document, claims, arn: arn(), image: IMAGE }
    };
    let verify_function = |record: &FunctionRecord| {
        FunctionRecord::verify(&owner, &identity().sign1(FUNCTION_RECORD, &[], &record.encode())).map(|_| ())
    };
    let verify_vault = |record: &VaultRecord| {
        VaultRecord::verify(&owner, &identity().sign1(VAULT_RECORD, &[], &record.encode())).map(|_| ())
    };
    assert_eq!(verify_function(&function(owner)), Ok(()));
    assert_eq!(verify_vault(&vault(owner)), Ok(()));
    for (at, near) in near_owners().into_iter().enumerate() {
        assert_eq!(verify_function(&function(near)), mismatch, "byte {at}");
        assert_eq!(verify_vault(&vault(near)), mismatch, "byte {at}");
    }
}

#[test]
fn a_file_opens_only_for_the_owner_in_its_header() {
    let key = KemSecret::from_seed(&[5; 32]).unwrap();
    let owner = identity().owner();
    let header = CiphertextHeader { owner, kid: Kid::of(&key.public()), checksums: None };
    let begun = begin_encryption(&header, &key.public(), &[6; 64]).unwrap();
    let stream = seal_bytes::<AwsLc>(begun.secret, &begun.aad, b"secret").unwrap();
    let file = [begun.prefix, stream].concat();
    let file = Ciphertext::parse(&file).unwrap();
    assert!(file.open::<AwsLc>(&owner, &key).is_ok());
    for (at, near) in near_owners().iter().enumerate() {
        assert_eq!(file.open::<AwsLc>(near, &key), Err(Error::WrongOwner), "byte {at}");
    }
}

#[test]
fn a_key_share_is_found_only_under_its_own_owner() {
    let key = |owner| StoreKey { kind: StoreKind::Function, owner, id: ID, version: 1 };
    let owner = identity().owner();
    let shares = KeyShares::from([(key(owner), KeyShare::new(&[1; 32]))]);
    assert!(shares.contains_key(&key(owner)));
    for (at, near) in near_owners().into_iter().enumerate() {
        assert!(!shares.contains_key(&key(near)), "byte {at}");
    }
}
