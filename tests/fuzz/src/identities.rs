//! The people of every target, with fixed keys.

use enclave_core::OwnerKey;
use enclave_core::crypto::KemSecret;
use enclave_core::identity::Identity;
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// The seed of the owner's vault key.
pub const VAULT_SEED: [u8; 32] = [3; 32];

/// An owner whose secret nobody has.
pub const NOBODY: OwnerKey = OwnerKey::new([8; 32]);

/// The owner of every function and vault key that is stored.
pub fn owner() -> &'static Identity {
    static OWNER: LazyLock<Identity> = LazyLock::new(|| Identity::from_secret(Zeroizing::new([1; 32])));
    &OWNER
}

/// A caller who owns nothing.
pub fn stranger() -> &'static Identity {
    static STRANGER: LazyLock<Identity> = LazyLock::new(|| Identity::from_secret(Zeroizing::new([2; 32])));
    &STRANGER
}

/// The owner's vault key.
pub fn vault_key() -> &'static KemSecret {
    static KEY: LazyLock<KemSecret> = LazyLock::new(|| KemSecret::from_seed(&VAULT_SEED).expect("a valid seed"));
    &KEY
}
