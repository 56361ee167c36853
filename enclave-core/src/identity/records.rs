//! Records: an owner's signature over what a stored object is.
//!
//! KMS seals for anyone who may call it, so sealing authenticates no owner. The record does.

use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::kms::Arn;
use crate::time::UnixMillis;
use crate::types::{Checksum, Kid, ObjectId, OwnerKey, Pcr};
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
    /// PCR0 of the image that seals it.
    pub image: Pcr,
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
        reader.map(9)?.key(1)?.literal(FUNCTION_RECORD)?;
        let (owner, id) = (reader.key(2)?.fixed()?, reader.key(3)?.fixed()?);
        let (version, checksum) = (reader.key(4)?.uint()?, reader.key(5)?.fixed()?);
        if reader.key(6)?.bool()? {
            // This version of the protocol has no public functions.
            return Err(Error::Malformed(MessageKind::Record));
        }
        let (issued, arn) = (UnixMillis::new(reader.key(7)?.uint()?), Arn::read(reader.key(8)?)?);
        let image = reader.key(9)?.fixed()?;
        reader.end()?;
        Ok(Self { owner, id, version, checksum, issued, arn, image })
    }

    /// The record's payload, to be signed as a [`FUNCTION_RECORD`].
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(9).uint(1).text(FUNCTION_RECORD).uint(2).bytes(self.owner).uint(3).bytes(self.id);
        writer.uint(4).uint(self.version).uint(5).bytes(self.checksum).uint(6).bool(false);
        writer.uint(7).uint(self.issued.get()).uint(8).text(self.arn.text()).uint(9).bytes(self.image);
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
    /// PCR0 of the image that sealed it: that of the document.
    pub image: Pcr,
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
        reader.map(8)?.key(1)?.literal(VAULT_RECORD)?;
        let (owner, epoch) = (reader.key(2)?.fixed()?, reader.key(3)?.uint()?);
        let (kid, document) = (reader.key(4)?.fixed()?, reader.key(5)?.fixed()?);
        let (claims, arn) = (reader.key(6)?.fixed()?, Arn::read(reader.key(7)?)?);
        let image = reader.key(8)?.fixed()?;
        reader.end()?;
        Ok(Self { owner, epoch, kid, document, claims, arn, image })
    }

    /// The record's payload, to be signed as a [`VAULT_RECORD`].
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(8).uint(1).text(VAULT_RECORD).uint(2).bytes(self.owner).uint(3).uint(self.epoch);
        writer.uint(4).bytes(self.kid).uint(5).bytes(self.document).uint(6).bytes(self.claims);
        writer.uint(7).text(self.arn.text()).uint(8).bytes(self.image);
        writer.finish()
    }
}
