//! An owner's one secret. Two things derive from it: the key that signs, and the key shares without which none of the
//! owner's objects opens.

use crate::crypto::{expand, sha256};
use crate::encoding::SigningKey;
use crate::parent::StoreKey;
use crate::types::{KeyShare, OwnerKey, Pcr};
use alloc::vec::Vec;
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

    /// The owner's share of the key to the object that is stored under `key`.
    ///
    /// `root_der` and `image` are the root certificate and the PCR0 of the session's verified document, and must come
    /// from nowhere else. A share that an enclave was given therefore opens only what its own image sealed under its own
    /// root.
    pub fn key_share(&self, root_der: &[u8], image: &Pcr, key: &StoreKey) -> KeyShare {
        let (root, kind, version) = (sha256(&[root_der]), [key.kind as u8], key.version.to_be_bytes());
        let info: [&[u8]; 6] = [b"capelet/1/share\0", &root, image.as_bytes(), &kind, key.id.as_bytes(), &version];
        KeyShare::new(&expand(&self.seal, &info))
    }

    /// Signs as [`SigningKey::sign1`] does.
    pub fn sign1(&self, typ: &str, external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
        self.signing.sign1(typ, external_aad, payload)
    }
}

redacted!(Identity);
