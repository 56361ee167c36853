//! An owner's word that a function is hers.

use crate::cbor::{Reader, Writer};
use crate::config::{ARN_MAX, ARN_MIN, Arn};
use crate::{Error, Part, identity};
use alloc::vec::Vec;

/// COSE's typ of a function record; also its first entry.
pub const FUNCTION: &str = "capelet/1/function";

/// What an owner signs of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionRecord {
    /// Her key, which signs.
    pub owner: [u8; 32],
    /// The function's id.
    pub id: [u8; 16],
    /// Its version.
    pub version: u64,
    /// Its bundle's checksum.
    pub checksum: [u8; 32],
    /// When she signed, in milliseconds since 1970.
    pub issued: u64,
    /// The KMS key under which it is stored.
    pub arn: Arn,
}

impl FunctionRecord {
    /// Reads a record that `owner` signed, and that is hers.
    pub fn verify(owner: &[u8; 32], message: &[u8]) -> Result<Self, Error> {
        let record = Self::parse(identity::verify1(owner, FUNCTION, &[], message)?)?;
        if record.owner == *owner { Ok(record) } else { Err(Error::Disagrees(Part::Record)) }
    }

    /// Reads a record, whoever signed it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Record)?;
        reader.map(8)?;
        reader.key(1)?;
        reader.literal(FUNCTION)?;
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
            // Public functions are not of this version.
            return Err(Error::Malformed(Part::Record));
        }
        reader.key(7)?;
        let issued = reader.uint()?;
        reader.key(8)?;
        let arn = Arn::parse(reader.text(ARN_MIN, ARN_MAX)?)?;
        reader.end()?;
        Ok(Self { owner, id, version, checksum, issued, arn })
    }

    /// The record's bytes, to be signed as a [`FUNCTION`].
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(8).uint(1).text(FUNCTION).uint(2).bytes(&self.owner).uint(3).bytes(&self.id);
        writer.uint(4).uint(self.version).uint(5).bytes(&self.checksum).uint(6).bool(false);
        writer.uint(7).uint(self.issued).uint(8).text(self.arn.text());
        writer.finish()
    }
}
