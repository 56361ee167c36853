//! Under what the parent stores an object. Nothing is looked up by less.

use crate::Error;
use crate::encoding::{Reader, Writer};
use crate::types::{ObjectId, OwnerKey};

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StoreKind {
    /// A sealed function.
    Function = 1,
    /// A sealed vault key.
    VaultKey = 2,
    /// A vault statement, which is public. Its id is 16 zero bytes and its version the epoch.
    Statement = 3,
}

impl StoreKind {
    /// The kind with this number; `None` if the number is unknown.
    pub fn from_number(number: u64) -> Option<Self> {
        [Self::Function, Self::VaultKey, Self::Statement].into_iter().find(|kind| *kind as u64 == number)
    }

    /// The same for objects that are sealed, which a statement is not.
    pub fn sealed_from_number(number: u64) -> Option<Self> {
        Self::from_number(number).filter(|kind| *kind != Self::Statement)
    }
}

/// Under what an object is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey {
    /// What it is.
    pub kind: StoreKind,
    /// Its owner.
    pub owner: OwnerKey,
    /// Its id.
    pub id: ObjectId,
    /// A function's version; a vault key's or a statement's epoch.
    pub version: u64,
}

impl StoreKey {
    /// The id of every statement.
    pub const STATEMENT: ObjectId = ObjectId::new([0; 16]);

    /// Where the statement of the owner's vault key with this epoch is stored.
    pub fn statement(owner: OwnerKey, epoch: u64) -> Self {
        Self { kind: StoreKind::Statement, owner, id: Self::STATEMENT, version: epoch }
    }
}

/// One entry of a list: what the parent names of an object whose kind and owner are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListEntry {
    /// The object's id.
    pub id: ObjectId,
    /// A function's version; a vault key's or a statement's epoch.
    pub version: u64,
}

impl ListEntry {
    /// Reads [id, version].
    ///
    /// # Errors
    /// [`Error::Malformed`] of the reader's [`MessageKind`](crate::MessageKind).
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { id: reader.array(2)?.fixed()?, version: reader.uint()? })
    }

    /// Writes [id, version].
    pub fn write(&self, writer: &mut Writer) {
        writer.array(2).bytes(self.id).uint(self.version);
    }
}

/// Reads the entries 2 (kind) and 3 (owner) of an operation.
#[cfg(feature = "outside")]
pub(super) fn read_owner(reader: &mut Reader<'_>) -> Result<(StoreKind, OwnerKey), Error> {
    let kind = StoreKind::from_number(reader.key(2)?.uint()?).ok_or(Error::Malformed(crate::MessageKind::Parent))?;
    Ok((kind, reader.key(3)?.fixed()?))
}
