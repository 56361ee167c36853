//! delete: no body, the result is empty. The store is asked to delete an object. Whether it did cannot be proved.

use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::messages::request::{Params, Verb};
use crate::parent::{StoreKey, StoreKind};
use crate::types::ObjectId;
use crate::{Error, MessageKind};

/// {1: kind, 2: id, 3: version}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteParams {
    /// What to delete.
    pub kind: StoreKind,
    /// Its id.
    pub id: ObjectId,
    /// A function's version; a vault key's or a statement's epoch.
    pub version: u64,
}

impl Params for DeleteParams {
    const VERB: Verb = Verb::Delete;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let kind =
            StoreKind::from_number(reader.map(3)?.key(1)?.uint()?).ok_or(Error::Malformed(MessageKind::Request))?;
        let id: ObjectId = reader.key(2)?.fixed()?;
        let version = reader.key(3)?.uint()?;
        if kind == StoreKind::Statement && id != StoreKey::STATEMENT {
            return Err(Error::Malformed(MessageKind::Request));
        }
        Ok(Self { kind, id, version })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(3).uint(1).uint(self.kind as u64).uint(2).bytes(self.id).uint(3).uint(self.version);
    }
}
