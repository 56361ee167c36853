//! list: the response's body is [* [id, version]], ascending, as the store has it. The client compares it with its own
//! catalogue, because no one else can say what is missing.

use crate::encoding::{Reader, Writer};
use crate::messages::request::{Params, Verb};
use crate::parent::ListEntry;
use crate::parent::StoreKind;
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// {1: kind}, where the kind is 1 (functions) or 2 (vault keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListParams {
    /// What to list; not statements.
    pub kind: StoreKind,
}

impl Params for ListParams {
    const VERB: Verb = Verb::List;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.map(1)?;
        reader.key(1)?;
        let kind = StoreKind::from_number(reader.uint()?).filter(|kind| *kind != StoreKind::Statement);
        Ok(Self { kind: kind.ok_or(Error::Malformed(MessageKind::Request))? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(1).uint(1).uint(self.kind as u64);
    }
}

/// The body: [* [id, version]].
pub fn encode_list(entries: &[ListEntry]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(entries.len() as u64);
    for entry in entries {
        entry.write(&mut writer);
    }
    writer.finish()
}

/// Reads the body.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Response`].
#[cfg(feature = "outside")]
pub fn parse_list(bytes: &[u8]) -> Result<Vec<ListEntry>, Error> {
    let mut reader = Reader::new(bytes, MessageKind::Response)?;
    let entries = (0..reader.any_array()?).map(|_| ListEntry::read(&mut reader)).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(entries)
}
