//! list: the response's body is [* [id, version]], ascending, as the store has it. The client compares it with its own
//! catalogue, because no one else can say what is missing.

use crate::encoding::{Reader, Writer};
use crate::messages::request::{Params, Verb};
use crate::parent::{ListEntry, StoreKind};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// The most entries of one list.
pub const MAX_LIST_ENTRIES: usize = 1_000_000;

/// {1: kind}, where the kind is 1 (functions) or 2 (vault keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListParams {
    /// What to list; not statements.
    pub kind: StoreKind,
}

impl Params for ListParams {
    const VERB: Verb = Verb::List;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let kind = StoreKind::sealed_from_number(reader.map(1)?.key(1)?.uint()?);
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

/// Reads the body. Its entries must ascend.
///
/// # Errors
/// [`Error::TooLarge`] of [`MessageKind::Response`] over [`MAX_LIST_ENTRIES`]; [`Error::Malformed`] of
/// [`MessageKind::Response`].
#[cfg(feature = "outside")]
pub fn parse_list(bytes: &[u8]) -> Result<Vec<ListEntry>, Error> {
    let mut reader = Reader::new(bytes, MessageKind::Response)?;
    let count = reader.any_array()?;
    if count > MAX_LIST_ENTRIES as u64 {
        return Err(Error::TooLarge(MessageKind::Response));
    }
    let entries = (0..count).map(|_| ListEntry::read(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    reader.end()?;
    if entries.is_sorted_by(|a, b| a < b) { Ok(entries) } else { Err(Error::Malformed(MessageKind::Response)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ObjectId;

    #[test]
    fn rejects_lists_that_do_not_ascend_and_lists_that_are_too_long() {
        let entry = |byte, version| ListEntry { id: ObjectId::new([byte; 16]), version };
        let ascending = [entry(1, 1), entry(1, 2), entry(2, 1)];
        assert_eq!(parse_list(&encode_list(&ascending)).as_deref(), Ok(ascending.as_slice()));
        for wrong in [[entry(1, 2), entry(1, 1)], [entry(2, 1), entry(1, 1)], [entry(1, 1), entry(1, 1)]] {
            assert_eq!(parse_list(&encode_list(&wrong)), Err(Error::Malformed(MessageKind::Response)));
        }
        let mut long = Writer::new();
        long.array(MAX_LIST_ENTRIES as u64 + 1);
        for _ in 0..=MAX_LIST_ENTRIES {
            long.uint(0);
        }
        assert_eq!(parse_list(&long.finish()), Err(Error::TooLarge(MessageKind::Response)));
    }
}
