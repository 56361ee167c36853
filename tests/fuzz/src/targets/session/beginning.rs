//! What is there when a session begins: the owner's function and her vault key; and what her key signs.

use crate::world::{self, NOW, Says, VAULT_SEED, World};
use capelet_abi::job::Kind as Entered;
use enclave_core::bundle::{self, Bundle, Manifest};
use enclave_core::ciphertext::{self, CiphertextHeader};
use enclave_core::digest::sha384;
use enclave_core::object::{self, FunctionRecord, Kind, ObjectAd};
use enclave_core::parent::Key;
use enclave_core::vault::{self, VaultRecord};
use enclave_core::{kms, record, stream};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The owner's half of every key.
pub const HALF: [u8; 32] = [9; 32];
/// The function's id.
pub const STORED: [u8; 16] = [5; 16];

/// See the module.
pub struct Beginning {
    pub store: BTreeMap<Key, Vec<u8>>,
    pub checksum: [u8; 32],
    pub kid: [u8; 32],
    pub describe: [u8; 48],
}

/// See the module.
pub static BEGINNING: LazyLock<Beginning> = LazyLock::new(|| {
    let manifest = Manifest { entry: "a", nonce: None, kind: Entered::Command, handler: None, arguments: vec![] };
    let content = Bundle::build(&manifest, vec![("a", b"wasm")]).expect("a bundle");
    let (checksum, kid) = (bundle::checksum(&content), vault::kid(&world::vault_key().public()));
    let mut store = BTreeMap::new();
    let mut keep = |kind, id, checksum, record: Vec<u8>, content: &[u8]| {
        let owner = world::owner().owner();
        let ad = ObjectAd { kind, owner, id, version: 1, content: checksum, arn: world::arn(), salt: [0; 16] };
        let wrapped = object::kms_context(&ad.encode()).into_bytes();
        let key = world::data_key(&wrapped);
        store.insert(ad.key(), object::seal::<AwsLc>(&ad, &wrapped, &record, &key, &HALF, content).expect("sealed"));
    };
    keep(Kind::Function, STORED, checksum, function_record(STORED, checksum), &content);
    keep(Kind::VaultKey, vault::id(&kid), kid, vault_record(1, kid, &[0], &[0]), &VAULT_SEED);
    let world = World::new(Says::Truth, BTreeMap::new());
    let describe = sha384(&[&kms::describe(&world, &world::arn(), NOW).expect("facts")]);
    Beginning { store, checksum, kid, describe }
});

/// The owner's word for a function of this checksum.
pub fn function_record(id: [u8; 16], checksum: [u8; 32]) -> Vec<u8> {
    let owner = world::owner();
    let word = FunctionRecord { owner: owner.owner(), id, version: 1, checksum, issued: 0, arn: world::arn() };
    owner.sign1(record::FUNCTION, &[], &word.encode())
}

/// The owner's word for a vault key that was offered with this document and these claims.
pub fn vault_record(epoch: u64, kid: [u8; 32], document: &[u8], claims: &[u8]) -> Vec<u8> {
    let (owner, document, claims) = (world::owner(), sha384(&[document]), sha384(&[claims]));
    let word = VaultRecord { owner: owner.owner(), epoch, kid, document, claims, arn: world::arn() };
    owner.sign1(vault::VAULT_OWNER, &[], &word.encode())
}

/// `plain` to the owner's vault, for her function.
pub fn encrypted(plain: &[u8]) -> Vec<u8> {
    let (owner, kid) = (world::owner().owner(), BEGINNING.kid);
    let header = CiphertextHeader { owner, kid, checksums: Some(vec![BEGINNING.checksum]) };
    let begun = ciphertext::begin(&header, &world::vault_key().public(), &[6; 64]).expect("a header");
    let sealed = stream::seal_bytes::<AwsLc>(begun.secret, &begun.aad, plain).expect("sealed");
    [begun.prefix, sealed].concat()
}
