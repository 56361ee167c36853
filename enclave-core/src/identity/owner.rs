//! An owner's one secret. Two things derive from it: the key that signs, and the key shares without which none of the
//! owner's objects opens.

use crate::crypto::{expand, sha256};
use crate::encoding::SigningKey;
use crate::objects::ObjectKind;
use crate::types::{KeyShare, ObjectId, OwnerKey};
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// An owner's secret, ready for use.
pub struct Identity {
    signing: SigningKey,
    seal: Zeroizing<[u8; 32]>,
}

impl Identity {
    /// The identity with this secret.
    pub fn from_secret(secret: Zeroizing<[u8; 32]>) -> Self {
        let seed = expand(&secret, &[b"capelet/1/sign"]);
        Self { signing: SigningKey::from_seed(&seed), seal: expand(&secret, &[b"capelet/1/seal"]) }
    }

    /// The public key by which others know this owner.
    pub fn owner(&self) -> OwnerKey {
        OwnerKey::new(self.signing.public())
    }

    /// The owner's share of the key to one object. `version` is a function's version or a vault key's epoch.
    ///
    /// `root_der` is the root certificate under which the enclave was verified. A share that a development enclave was
    /// given therefore opens nothing in production.
    pub fn key_share(&self, root_der: &[u8], kind: ObjectKind, id: &ObjectId, version: u64) -> KeyShare {
        let root = sha256(&[root_der]);
        let info = [b"capelet/1/half\0".as_slice(), &root, &[kind as u8], id.as_bytes(), &version.to_be_bytes()];
        KeyShare::new(expand(&self.seal, &info))
    }

    /// Signs as [`SigningKey::sign1`] does.
    pub fn sign1(&self, typ: &str, external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
        self.signing.sign1(typ, external_aad, payload)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}
