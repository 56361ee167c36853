//! vault-confirm: the owner's record of the vault key that this session made or attested. The result is empty.

use crate::Error;
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::messages::request::{Params, Verb, read_record};
use alloc::vec::Vec;

/// {1: vault-record}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultConfirmParams {
    /// The owner's signed [`VaultRecord`](crate::identity::VaultRecord).
    pub record: Vec<u8>,
}

impl Params for VaultConfirmParams {
    const VERB: Verb = Verb::VaultConfirm;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { record: read_record(reader.map(1)?.key(1)?)? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(1).uint(1).item(&self.record);
    }
}
