//! What is stored when a session starts: the owner's function, the owner's vault key and its statement.
//!
//! Function and vault key are stored a second time, as another image sealed them, under [`FOREIGN_VERSION`]. The
//! statement is stored a second time too, under [`NOBODY`], who did not sign it.

use crate::identities::{NOBODY, VAULT_SEED, owner, vault_key};
use crate::kms::{self as fuzz_kms, KmsMode};
use crate::platform::{FuzzPlatform, IMAGE, NOW};
use capelet_abi::EntryPoint;
use enclave_core::crypto::{seal_bytes, sha384};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, VAULT_RECORD, VaultRecord};
use enclave_core::kms::{AcceptedKey, key_metadata};
use enclave_core::objects::{
    Bundle, CiphertextHeader, Manifest, ObjectAd, ObjectContent, begin_encryption, encode_statement, kms_context,
    seal_object,
};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Checksum, KeyShare, Kid, ObjectId, Pcr, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The id of the stored function.
pub const FUNCTION_ID: ObjectId = ObjectId::new([5; 16]);
/// The version and the epoch of what the enclave's image sealed.
pub const VERSION: u64 = 1;
/// The version and the epoch of what another image sealed.
pub const FOREIGN_VERSION: u64 = 9;
/// PCR0 of the other image.
pub const FOREIGN_IMAGE: Pcr = Pcr::new([0xe1; 48]);

/// The stored objects, and what requests have to repeat of them.
pub struct Fixture {
    /// The stored objects.
    pub store: BTreeMap<StoreKey, Vec<u8>>,
    /// The function's checksum.
    pub checksum: Checksum,
    /// The name of the vault key.
    pub kid: Kid,
    /// The KMS key, as the owner accepted it.
    pub key: AcceptedKey,
}

impl Fixture {
    /// Returns whether another image sealed the object under `key`.
    pub fn is_foreign(&self, key: &StoreKey) -> bool {
        key.version == FOREIGN_VERSION && self.store.contains_key(key)
    }
}

/// The fixture, made once per process.
pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let (entry, entry_point) = ("a", EntryPoint::Command);
    let manifest = Manifest { entry, nonce: None, entry_point, handler: None, arguments: vec![] };
    let content = Bundle::build(&manifest, vec![("a", b"wasm")]).expect("a valid bundle");
    let (checksum, kid) = (Checksum::of(&content), Kid::of(&vault_key().public()));
    let mut store = BTreeMap::new();
    let mut put = |key: StoreKey, content, image, record: Vec<u8>, bytes: &[u8]| {
        let StoreKey { owner, id, version, .. } = key;
        let ad = ObjectAd { content, owner, id, version, arn: fuzz_kms::arn(), salt: [0; 16], image };
        let wrapped = kms_context(&ad.encode()).into_bytes();
        let data_key = fuzz_kms::data_key(&wrapped);
        let stored = seal_object::<AwsLc>(&ad, &wrapped, &record, &data_key, &key_share(), bytes);
        store.insert(key, stored.expect("sealing succeeds"));
    };
    for (version, image) in [(VERSION, IMAGE), (FOREIGN_VERSION, FOREIGN_IMAGE)] {
        let record = function_record(FUNCTION_ID, version, checksum, image);
        put(function_key(FUNCTION_ID, version), ObjectContent::Function(checksum), image, record, &content);
        let record = vault_record(version, kid, &[0], &[0], image);
        put(vault_object_key(kid, version), ObjectContent::VaultKey(kid), image, record, &VAULT_SEED);
    }
    let statement = encode_statement(&[0], &[0], &vault_record(VERSION, kid, &[0], &[0], IMAGE));
    for owner in [owner().owner(), NOBODY] {
        store.insert(StoreKey::statement(owner, VERSION), statement.clone());
    }
    let platform = FuzzPlatform::new(KmsMode::Honest, BTreeMap::new());
    let metadata = key_metadata(&platform, &fuzz_kms::arn(), NOW).expect("KMS answers honestly");
    let (policy, metadata) = (sha384(&[fuzz_kms::POLICY.as_bytes()]), sha384(&[&metadata.encode()]));
    let key = AcceptedKey { arn: fuzz_kms::arn(), policy: Some(policy), metadata: Some(metadata) };
    Fixture { store, checksum, kid, key }
});

/// Returns the owner's key share, which is the same for every object.
pub fn key_share() -> KeyShare {
    KeyShare::new(&[9; 32])
}

/// Returns where the owner's function with this id and version is stored.
pub fn function_key(id: ObjectId, version: u64) -> StoreKey {
    StoreKey { kind: StoreKind::Function, owner: owner().owner(), id, version }
}

/// Returns where the owner's vault key with this name and epoch is stored.
pub fn vault_object_key(kid: Kid, epoch: u64) -> StoreKey {
    StoreKey { kind: StoreKind::VaultKey, owner: owner().owner(), id: kid.object_id(), version: epoch }
}

/// Returns a record that the owner signed, for a function with this id, version and checksum that `image` seals.
pub fn function_record(id: ObjectId, version: u64, checksum: Checksum, image: Pcr) -> Vec<u8> {
    let (issued, arn) = (UnixMillis::new(0), fuzz_kms::arn());
    let record = FunctionRecord { owner: owner().owner(), id, version, checksum, issued, arn, image };
    owner().sign1(FUNCTION_RECORD, &[], &record.encode())
}

/// Returns a record that the owner signed, for a vault key that was offered with this document and these claims, and
/// that `image` seals.
pub fn vault_record(epoch: u64, kid: Kid, document: &[u8], claims: &[u8], image: Pcr) -> Vec<u8> {
    let (document, claims) = (sha384(&[document]), sha384(&[claims]));
    let record = VaultRecord { owner: owner().owner(), epoch, kid, document, claims, arn: fuzz_kms::arn(), image };
    owner().sign1(VAULT_RECORD, &[], &record.encode())
}

/// Encrypts `plain` to the owner's vault, for the stored function. Files with another `number` have other keys.
pub fn encrypt(plain: &[u8], number: u8) -> Vec<u8> {
    let (owner, kid) = (owner().owner(), FIXTURE.kid);
    let header = CiphertextHeader { owner, kid, checksums: Some(vec![FIXTURE.checksum]) };
    let begun = begin_encryption(&header, &vault_key().public(), &[number; 64]).expect("a valid header");
    let sealed = seal_bytes::<AwsLc>(begun.secret, &begun.aad, plain).expect("sealing succeeds");
    [begun.prefix, sealed].concat()
}
