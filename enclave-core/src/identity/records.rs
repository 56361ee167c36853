//! Records: an owner's signature over what a stored object is.
//!
//! KMS seals for anyone who may call it, so sealing authenticates no owner. The record does.

use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::kms::Arn;
use crate::time::UnixMillis;
use crate::types::{Checksum, Kid, ObjectId, OwnerKey};
use crate::{Error, MessageKind};
#[cfg(feature = "outside")]
use alloc::vec::Vec;

/// COSE's `typ` of a function record; also its first entry.
pub const FUNCTION_RECORD: &str = "capelet/1/function";
/// COSE's `typ` of a vault record; also its first entry.
pub const VAULT_RECORD: &str = "capelet/1/vault-owner";

/// What an owner signs of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRecord {
    /// The owner, who signs.
    pub owner: OwnerKey,
    /// The function's id.
    pub id: ObjectId,
    /// The function's version.
    pub version: u64,
    /// The checksum of its bundle.
    pub checksum: Checksum,
    /// When the owner signed.
    pub issued: UnixMillis,
    /// The KMS key under which it is stored.
    pub arn: Arn,
}

impl FunctionRecord {
    /// Reads a record that `owner` signed and that names this owner.
    ///
    /// # Errors
    /// Those of [`OwnerKey::verify`] and [`Self::parse`]; [`Error::Mismatch`] of [`MessageKind::Record`] if it names
    /// another owner.
    pub fn verify(owner: &OwnerKey, message: &[u8]) -> Result<Self, Error> {
        let record = Self::parse(owner.verify(FUNCTION_RECORD, &[], message)?)?;
        if record.owner == *owner { Ok(record) } else { Err(Error::Mismatch(MessageKind::Record)) }
    }

    /// Reads a record's payload, *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Record`] or [`MessageKind::Arn`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Record)?;
        reader.map(8)?;
        reader.key(1)?;
        reader.literal(FUNCTION_RECORD)?;
        reader.key(2)?;
        let owner = reader.fixed()?;
        reader.key(3)?;
        let id = reader.fixed()?;
        reader.key(4)?;
        let version = reader.uint()?;
        reader.key(5)?;
        let checksum = reader.fixed()?;
        reader.key(6)?;
        if reader.bool()? {
            // This version of the protocol has no public functions.
            return Err(Error::Malformed(MessageKind::Record));
        }
        reader.key(7)?;
        let issued = UnixMillis::new(reader.uint()?);
        reader.key(8)?;
        let arn = Arn::read(&mut reader)?;
        reader.end()?;
        Ok(Self { owner, id, version, checksum, issued, arn })
    }

    /// The record's payload, to be signed as a [`FUNCTION_RECORD`].
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(8).uint(1).text(FUNCTION_RECORD).uint(2).bytes(self.owner).uint(3).bytes(self.id);
        writer.uint(4).uint(self.version).uint(5).bytes(self.checksum).uint(6).bool(false);
        writer.uint(7).uint(self.issued.get()).uint(8).text(self.arn.text());
        writer.finish()
    }
}

/// What an owner signs of a vault key, after their client has verified its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultRecord {
    /// The owner, who signs.
    pub owner: OwnerKey,
    /// The vault key's epoch.
    pub epoch: u64,
    /// The vault key's name.
    pub kid: Kid,
    /// SHA-384 of the document.
    pub document: [u8; 48],
    /// SHA-384 of the claims.
    pub claims: [u8; 48],
    /// The KMS key under which it is stored: that of the claims.
    pub arn: Arn,
}

impl VaultRecord {
    /// Reads a record that `owner` signed and that names this owner.
    ///
    /// # Errors
    /// Those of [`OwnerKey::verify`] and [`Self::parse`]; [`Error::Mismatch`] of [`MessageKind::Record`] if it names
    /// another owner.
    pub fn verify(owner: &OwnerKey, message: &[u8]) -> Result<Self, Error> {
        let record = Self::parse(owner.verify(VAULT_RECORD, &[], message)?)?;
        if record.owner == *owner { Ok(record) } else { Err(Error::Mismatch(MessageKind::Record)) }
    }

    /// Reads a record's payload, *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Record`] or [`MessageKind::Arn`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Record)?;
        reader.map(7)?;
        reader.key(1)?;
        reader.literal(VAULT_RECORD)?;
        reader.key(2)?;
        let owner = reader.fixed()?;
        reader.key(3)?;
        let epoch = reader.uint()?;
        reader.key(4)?;
        let kid = reader.fixed()?;
        reader.key(5)?;
        let document = reader.fixed()?;
        reader.key(6)?;
        let claims = reader.fixed()?;
        reader.key(7)?;
        let arn = Arn::read(&mut reader)?;
        reader.end()?;
        Ok(Self { owner, epoch, kid, document, claims, arn })
    }

    /// The record's payload, to be signed as a [`VAULT_RECORD`].
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(7).uint(1).text(VAULT_RECORD).uint(2).bytes(self.owner).uint(3).uint(self.epoch);
        writer.uint(4).bytes(self.kid).uint(5).bytes(self.document).uint(6).bytes(self.claims);
        writer.uint(7).text(self.arn.text());
        writer.finish()
    }
}
