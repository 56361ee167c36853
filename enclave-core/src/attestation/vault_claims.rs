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
use crate::types::{Kid, OwnerKey};
#[cfg(feature = "outside")]
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// Label of a vault key's claims; also their first entry.
const VAULT: &str = "capelet/1/vault";
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
        reader.map(10)?;
        reader.key(1)?;
        reader.literal(VAULT)?;
        reader.key(2)?;
        let owner = reader.fixed()?;
        reader.key(3)?;
        let epoch = reader.uint()?;
        reader.key(4)?;
        if reader.uint()? != SUITE {
            return Err(Error::Malformed(MessageKind::Statement));
        }
        reader.key(5)?;
        let key = reader.bytes(KEM_PUBLIC_LEN, KEM_PUBLIC_LEN)?;
        reader.key(6)?;
        let kid = reader.fixed()?;
        reader.key(7)?;
        let previous = reader.nullable(Reader::fixed)?;
        reader.key(8)?;
        let until = UnixMillis::new(reader.uint()?);
        reader.key(9)?;
        let configuration = reader.bytes(0, MAX_CONFIGURATION)?.to_vec();
        reader.key(10)?;
        let kms = reader.nullable(KmsKeyState::read)?;
        reader.end()?;
        let key = KemPublicKey::parse(key)?;
        if kid != Kid::of(&key) {
            return Err(Error::Mismatch(MessageKind::Statement));
        }
        check_environment(&configuration, kms.as_ref(), mode)?;
        Ok(Self { owner, epoch, key, kid, previous, until, configuration, kms })
    }

    /// The claims' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(10).uint(1).text(VAULT).uint(2).bytes(self.owner).uint(3).uint(self.epoch);
        writer.uint(4).uint(SUITE).uint(5).bytes(self.key.as_bytes()).uint(6).bytes(self.kid);
        writer.uint(7).nullable(self.previous, |writer, kid| {
            writer.bytes(kid);
        });
        writer.uint(8).uint(self.until.get()).uint(9).bytes(&self.configuration);
        writer.uint(10).nullable(self.kms.as_ref(), |writer, kms| kms.write(writer));
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
