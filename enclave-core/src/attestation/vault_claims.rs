//! What an enclave claims of a vault key that it made: its document's `user_data` is the digest of these claims.

use crate::attestation::session_claims::SUITE;
#[cfg(feature = "outside")]
use crate::attestation::session_claims::{MAX_CLAIMS, TrustMode, check_environment};
#[cfg(feature = "outside")]
use crate::configuration::MAX_CONFIGURATION;
#[cfg(feature = "outside")]
use crate::crypto::KEM_PUBLIC_LEN;
use crate::crypto::{KemPublicKey, labelled_sha384};
#[cfg(feature = "outside")]
use crate::encoding::Reader;
use crate::encoding::Writer;
use crate::kms::KmsKeyState;
use crate::time::UnixMillis;
use crate::types::{Kid, OwnerKey, Pcr};
#[cfg(feature = "outside")]
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// Label of a vault key's claims; also their first entry.
const VAULT: &str = "capelet/1/vault";
/// The most images in the claims of one vault key.
#[cfg(feature = "outside")]
pub const MAX_IMAGES: u64 = 16;
/// How long after its document a vault key may be used, in milliseconds: 400 days.
pub const MAX_VALIDITY: u64 = 400 * 86_400_000;

/// What an enclave claims of a vault key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultClaims {
    /// The key's owner.
    pub owner: OwnerKey,
    /// The key's number among its owner's keys.
    pub epoch: u64,
    /// The public key.
    pub key: KemPublicKey,
    /// The key's name.
    pub kid: Kid,
    /// The name of the owner's previous key.
    pub previous: Option<Kid>,
    /// The last moment at which the key may be used, at most [`MAX_VALIDITY`] after the document.
    pub until: UnixMillis,
    /// The whole configuration; empty only under a development root.
    pub configuration: Vec<u8>,
    /// The state of the KMS key; `None` only under a development root.
    pub kms: Option<KmsKeyState>,
    /// PCR0 of every image that has held the key's seed, ascending, 1 to [`MAX_IMAGES`] of them.
    pub images: Vec<Pcr>,
}

impl VaultClaims {
    /// Reads claims, *not verified*: suite 1, a valid key, and the name of that key.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Malformed`] or [`Error::Mismatch`] of [`MessageKind::Statement`] or of a part;
    /// [`Error::DevelopmentOnly`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8], mode: TrustMode) -> Result<Self, Error> {
        if bytes.len() > MAX_CLAIMS {
            return Err(Error::TooLarge(MessageKind::Statement));
        }
        let mut reader = Reader::new(bytes, MessageKind::Statement)?;
        reader.map(11)?.key(1)?.literal(VAULT)?;
        let (owner, epoch) = (reader.key(2)?.fixed()?, reader.key(3)?.uint()?);
        if reader.key(4)?.uint()? != SUITE {
            return Err(Error::Malformed(MessageKind::Statement));
        }
        let (key, kid) = (reader.key(5)?.bytes(KEM_PUBLIC_LEN, KEM_PUBLIC_LEN)?, reader.key(6)?.fixed()?);
        let (previous, until) = (reader.key(7)?.nullable(Reader::fixed)?, UnixMillis::new(reader.key(8)?.uint()?));
        let configuration = reader.key(9)?.bytes(0, MAX_CONFIGURATION)?.to_vec();
        let (kms, count) = (reader.key(10)?.nullable(KmsKeyState::read)?, reader.key(11)?.any_array()?);
        if !(1..=MAX_IMAGES).contains(&count) {
            return Err(Error::Malformed(MessageKind::Statement));
        }
        let images = (0..count).map(|_| reader.fixed()).collect::<Result<Vec<Pcr>, _>>()?;
        reader.end()?;
        if !images.is_sorted_by(|a, b| a < b) {
            return Err(Error::Malformed(MessageKind::Statement));
        }
        let key = KemPublicKey::parse(key)?;
        if kid != Kid::of(&key) {
            return Err(Error::Mismatch(MessageKind::Statement));
        }
        check_environment(&configuration, kms.as_ref(), mode)?;
        Ok(Self { owner, epoch, key, kid, previous, until, configuration, kms, images })
    }

    /// The claims' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(11).uint(1).text(VAULT).uint(2).bytes(self.owner).uint(3).uint(self.epoch);
        writer.uint(4).uint(SUITE).uint(5).bytes(self.key.as_bytes()).uint(6).bytes(self.kid);
        writer.uint(7).nullable(self.previous, |writer, kid| {
            writer.bytes(kid);
        });
        writer.uint(8).uint(self.until.get()).uint(9).bytes(&self.configuration);
        writer.uint(10).nullable(self.kms.as_ref(), |writer, kms| kms.write(writer));
        writer.uint(11).array(self.images.len() as u64);
        for image in &self.images {
            writer.bytes(image);
        }
        writer.finish()
    }

    /// Checks that the key may be used at `now`, and that the claims allow it no longer than [`MAX_VALIDITY`] after
    /// the `timestamp` of their document.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Statement`] for a longer validity; [`Error::Expired`].
    #[cfg(feature = "outside")]
    pub fn check_until(&self, timestamp: UnixMillis, now: UnixMillis) -> Result<(), Error> {
        if self.until > timestamp.plus(MAX_VALIDITY) {
            return Err(Error::Malformed(MessageKind::Statement));
        }
        if now > self.until { Err(Error::Expired { time: self.until, now }) } else { Ok(()) }
    }
}

/// The `user_data` of the document that vouches for a vault key's claims.
pub fn vault_user_data(claims: &[u8]) -> [u8; 48] {
    labelled_sha384(VAULT, claims)
}
