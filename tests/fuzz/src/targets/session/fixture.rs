//! What is stored when a session starts: the owner's function and the owner's vault key.

use crate::identities::{VAULT_SEED, owner, vault_key};
use crate::kms::{self as fuzz_kms, KmsMode};
use crate::platform::{FuzzPlatform, NOW};
use capelet_abi::EntryPoint;
use enclave_core::crypto::{seal_bytes, sha384};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, VAULT_RECORD, VaultRecord};
use enclave_core::kms::{AcceptedKey, key_metadata};
use enclave_core::objects::{
    Bundle, CiphertextHeader, Manifest, ObjectAd, ObjectContent, begin_encryption, kms_context, seal_object,
};
use enclave_core::parent::StoreKey;
use enclave_core::{Checksum, KeyShare, Kid, ObjectId, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// The id of the stored function.
pub const FUNCTION_ID: ObjectId = ObjectId::new([5; 16]);

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

/// The fixture, made once per process.
pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let (entry, entry_point) = ("a", EntryPoint::Command);
    let manifest = Manifest { entry, nonce: None, entry_point, handler: None, arguments: vec![] };
    let content = Bundle::build(&manifest, vec![("a", b"wasm")]).expect("a valid bundle");
    let (checksum, kid) = (Checksum::of(&content), Kid::of(&vault_key().public()));
    let mut store = BTreeMap::new();
    let mut put = |id, content, record: Vec<u8>, bytes: &[u8]| {
        let owner = owner().owner();
        let ad = ObjectAd { content, owner, id, version: 1, arn: fuzz_kms::arn(), salt: [0; 16] };
        let wrapped = kms_context(&ad.encode()).into_bytes();
        let data_key = fuzz_kms::data_key(&wrapped);
        let stored = seal_object::<AwsLc>(&ad, &wrapped, &record, &data_key, &key_share(), bytes);
        store.insert(ad.key(), stored.expect("sealing succeeds"));
    };
    put(FUNCTION_ID, ObjectContent::Function(checksum), function_record(FUNCTION_ID, checksum), &content);
    put(kid.object_id(), ObjectContent::VaultKey(kid), vault_record(1, kid, &[0], &[0]), &VAULT_SEED);
    let platform = FuzzPlatform::new(KmsMode::Honest, BTreeMap::new());
    let metadata = key_metadata(&platform, &fuzz_kms::arn(), NOW).expect("KMS answers honestly");
    let (policy, metadata) = (sha384(&[fuzz_kms::POLICY.as_bytes()]), sha384(&[&metadata.encode()]));
    let key = AcceptedKey { arn: fuzz_kms::arn(), policy: Some(policy), metadata: Some(metadata) };
    Fixture { store, checksum, kid, key }
});

/// Returns the owner's key share, which is the same for every object.
pub fn key_share() -> KeyShare {
    KeyShare::new(Zeroizing::new([9; 32]))
}

/// Returns a record that the owner signed, for a function with this id and checksum.
pub fn function_record(id: ObjectId, checksum: Checksum) -> Vec<u8> {
    let (issued, arn) = (UnixMillis::new(0), fuzz_kms::arn());
    let record = FunctionRecord { owner: owner().owner(), id, version: 1, checksum, issued, arn };
    owner().sign1(FUNCTION_RECORD, &[], &record.encode())
}

/// Returns a record that the owner signed, for a vault key that was offered with this document and these claims.
pub fn vault_record(epoch: u64, kid: Kid, document: &[u8], claims: &[u8]) -> Vec<u8> {
    let (document, claims) = (sha384(&[document]), sha384(&[claims]));
    let record = VaultRecord { owner: owner().owner(), epoch, kid, document, claims, arn: fuzz_kms::arn() };
    owner().sign1(VAULT_RECORD, &[], &record.encode())
}

/// Encrypts `plain` to the owner's vault, for the stored function.
pub fn encrypt(plain: &[u8]) -> Vec<u8> {
    let (owner, kid) = (owner().owner(), FIXTURE.kid);
    let header = CiphertextHeader { owner, kid, checksums: Some(vec![FIXTURE.checksum]) };
    let begun = begin_encryption(&header, &vault_key().public(), &[6; 64]).expect("a valid header");
    let sealed = seal_bytes::<AwsLc>(begun.secret, &begun.aad, plain).expect("sealing succeeds");
    [begun.prefix, sealed].concat()
}
