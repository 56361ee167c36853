//! A person: an identity, and random numbers of their own.

use crate::prng::Prng;
use crate::run::Run;
use enclave_core::identity::Identity;
use enclave_core::parent::StoreKey;
use enclave_core::{KeyShare, OwnerKey, Pcr};
use zeroize::Zeroizing;

/// See the module.
pub struct Person {
    /// Their name in traces.
    pub name: String,
    /// Their secret.
    pub identity: Identity,
    /// Their public key.
    pub owner: OwnerKey,
    /// The source of their random numbers.
    pub prng: Prng,
}

impl Person {
    /// The person with this name and number. They are equal in every run of one seed.
    pub fn new(run: &Run, name: &str, number: u64) -> Self {
        let mut prng = run.prng.fork(100 + number);
        let identity = Identity::from_secret(Zeroizing::new(prng.bytes()));
        Self { name: name.to_string(), owner: identity.owner(), identity, prng }
    }

    /// Their share of the key to the object stored under `key`, for the world's image.
    pub fn key_share(&self, run: &Run, key: &StoreKey) -> KeyShare {
        self.identity.key_share(run.world.pinned_root.der(), &Pcr::new(run.world.measured.pcr0), key)
    }
}
