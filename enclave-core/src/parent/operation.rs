//! What the enclave asks of the parent.

use crate::encoding::Writer;
use crate::parent::store_key::{ListEntry, StoreKey, StoreKind};
use crate::types::OwnerKey;
use alloc::vec::Vec;

/// An operation, as the enclave sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Gives the configuration and the list of deployers; once, at boot.
    Boot,
    /// Gives the bytes stored under the key.
    Get(StoreKey),
    /// Stores the bytes under the key if nothing is stored there.
    Put(StoreKey, &'a [u8]),
    /// Stores the bytes under the key of a statement, in place of an older statement.
    Replace(StoreKey, &'a [u8]),
    /// Lists ids and versions of this kind and owner in ascending order.
    List {
        /// The kind.
        kind: StoreKind,
        /// The owner.
        owner: OwnerKey,
        /// The list starts after this entry; `None` for the beginning.
        after: Option<ListEntry>,
    },
    /// Deletes what is stored under the key.
    Delete(StoreKey),
    /// Gives credentials for KMS in this region.
    Credentials(&'a str),
}

impl<'a> Operation<'a> {
    /// The frame's content, and the body that follows it, if there is one.
    pub fn encode(&self) -> (Vec<u8>, Option<&'a [u8]>) {
        let mut writer = Writer::new();
        let mut body = None;
        match self {
            Self::Boot => {
                writer.map(1).uint(1).uint(1);
            }
            Self::Get(key) => write_key(&mut writer, 2, key),
            Self::Put(key, bytes) => {
                write_key(&mut writer, 3, key);
                body = Some(*bytes);
            }
            Self::Replace(key, bytes) => {
                write_key(&mut writer, 4, key);
                body = Some(*bytes);
            }
            Self::List { kind, owner, after } => {
                writer.map(4).uint(1).uint(5).uint(2).uint(*kind as u64).uint(3).bytes(owner).uint(6);
                writer.nullable(*after, |writer, entry| entry.write(writer));
            }
            Self::Delete(key) => write_key(&mut writer, 6, key),
            Self::Credentials(region) => {
                writer.map(2).uint(1).uint(7).uint(7).text(region);
            }
        }
        (writer.finish(), body)
    }
}

fn write_key(writer: &mut Writer, operation: u64, key: &StoreKey) {
    writer.map(5).uint(1).uint(operation).uint(2).uint(key.kind as u64).uint(3).bytes(key.owner);
    writer.uint(4).bytes(key.id).uint(5).uint(key.version);
}

#[cfg(feature = "outside")]
pub use received::ReceivedOperation;

/// The parent's side.
#[cfg(feature = "outside")]
mod received {
    use crate::encoding::Reader;
    use crate::parent::store_key::{ListEntry, StoreKey, StoreKind, read_owner};
    use crate::types::OwnerKey;
    use crate::{Error, MessageKind};
    use alloc::string::{String, ToString};

    const MALFORMED: Error = Error::Malformed(MessageKind::Parent);

    /// An operation, as the parent reads it. Its body, if it has one, follows.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum ReceivedOperation {
        /// See [`Operation::Boot`](super::Operation::Boot).
        Boot,
        /// See [`Operation::Get`](super::Operation::Get).
        Get(StoreKey),
        /// See [`Operation::Put`](super::Operation::Put); a body follows.
        Put(StoreKey),
        /// See [`Operation::Replace`](super::Operation::Replace); a body follows.
        Replace(StoreKey),
        /// See [`Operation::List`](super::Operation::List).
        List {
            /// The kind.
            kind: StoreKind,
            /// The owner.
            owner: OwnerKey,
            /// The list starts after this entry; `None` for the beginning.
            after: Option<ListEntry>,
        },
        /// See [`Operation::Delete`](super::Operation::Delete).
        Delete(StoreKey),
        /// See [`Operation::Credentials`](super::Operation::Credentials).
        Credentials(String),
    }

    impl ReceivedOperation {
        /// Reads an operation.
        ///
        /// # Errors
        /// [`Error::Malformed`] of [`MessageKind::Parent`].
        pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
            let mut reader = Reader::new(bytes, MessageKind::Parent)?;
            let entries = reader.any_map()?;
            let operation = match (reader.key(1)?.uint()?, entries) {
                (1, 1) => Self::Boot,
                (2, 5) => Self::Get(read_key(&mut reader)?),
                (3, 5) => Self::Put(read_key(&mut reader)?),
                (4, 5) => Self::Replace(read_key(&mut reader)?),
                (5, 4) => {
                    let (kind, owner) = read_owner(&mut reader)?;
                    let after = reader.key(6)?.nullable(ListEntry::read)?;
                    Self::List { kind, owner, after }
                }
                (6, 5) => Self::Delete(read_key(&mut reader)?),
                (7, 2) => Self::Credentials(reader.key(7)?.text(1, 64)?.to_string()),
                _ => return Err(MALFORMED),
            };
            reader.end()?;
            if matches!(operation, Self::Replace(key) if key.kind != StoreKind::Statement) {
                return Err(MALFORMED);
            }
            Ok(operation)
        }
    }

    fn read_key(reader: &mut Reader<'_>) -> Result<StoreKey, Error> {
        let (kind, owner) = read_owner(reader)?;
        let id = reader.key(4)?.fixed()?;
        Ok(StoreKey { kind, owner, id, version: reader.key(5)?.uint()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ObjectId;
    use crate::{Error, MessageKind};
    use alloc::string::ToString as _;

    #[test]
    fn reads_what_it_writes() {
        let owner = OwnerKey::new([2; 32]);
        let key = StoreKey::statement(owner, 3);
        let after = Some(ListEntry { id: ObjectId::new([3; 16]), version: 4 });
        let cases = [
            (Operation::Boot, ReceivedOperation::Boot),
            (Operation::Get(key), ReceivedOperation::Get(key)),
            (Operation::Put(key, b"x"), ReceivedOperation::Put(key)),
            (Operation::Replace(key, b"x"), ReceivedOperation::Replace(key)),
            (
                Operation::List { kind: StoreKind::Function, owner, after },
                ReceivedOperation::List { kind: StoreKind::Function, owner, after },
            ),
            (Operation::Delete(key), ReceivedOperation::Delete(key)),
            (Operation::Credentials("eu-central-1"), ReceivedOperation::Credentials("eu-central-1".to_string())),
        ];
        for (operation, received) in cases {
            assert_eq!(ReceivedOperation::decode(&operation.encode().0), Ok(received));
        }
    }

    #[test]
    fn rejects_the_replacement_of_anything_but_a_statement() {
        let key = StoreKey { kind: StoreKind::Function, ..StoreKey::statement(OwnerKey::new([1; 32]), 3) };
        let replace = Operation::Replace(key, b"x").encode().0;
        assert_eq!(ReceivedOperation::decode(&replace), Err(Error::Malformed(MessageKind::Parent)));
    }
}
