//! What is asked.

use super::{Key, Kind, PARENT, read_entry};
use crate::cbor::{Reader, Writer};
use crate::{Error, Part};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What is asked of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The configuration and the list of those who may deploy; once, at boot.
    Boot,
    /// What is stored under the key.
    Get(Key),
    /// Stores the bytes under the key if nothing is there.
    Put(Key, &'a [u8]),
    /// Stores the bytes under the key of a statement, whatever is there.
    Replace(Key, &'a [u8]),
    /// Ids and versions of this kind and owner, ascending, from behind `after`.
    List {
        /// The kind.
        kind: Kind,
        /// The owner.
        owner: [u8; 32],
        /// The last entry seen.
        after: Option<([u8; 16], u64)>,
    },
    /// Forgets what is stored under the key.
    Delete(Key),
    /// Credentials for KMS in this region.
    Credentials(&'a str),
}

impl<'a> Operation<'a> {
    /// The frame's content, and the body that follows it, if one does.
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
                writer.nullable(*after, |writer, (id, version)| {
                    writer.array(2).bytes(&id).uint(version);
                });
            }
            Self::Delete(key) => write_key(&mut writer, 6, key),
            Self::Credentials(region) => {
                writer.map(2).uint(1).uint(7).uint(7).text(region);
            }
        }
        (writer.finish(), body)
    }
}

fn write_key(writer: &mut Writer, operation: u64, key: &Key) {
    writer.map(5).uint(1).uint(operation).uint(2).uint(key.kind as u64).uint(3).bytes(&key.owner);
    writer.uint(4).bytes(&key.id).uint(5).uint(key.version);
}

/// An operation as the parent reads it: the body, if it has one, follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// See [`Operation::Boot`].
    Boot,
    /// See [`Operation::Get`].
    Get(Key),
    /// See [`Operation::Put`]; a body follows.
    Put(Key),
    /// See [`Operation::Replace`]; a body follows.
    Replace(Key),
    /// See [`Operation::List`].
    List {
        /// The kind.
        kind: Kind,
        /// The owner.
        owner: [u8; 32],
        /// The last entry seen.
        after: Option<([u8; 16], u64)>,
    },
    /// See [`Operation::Delete`].
    Delete(Key),
    /// See [`Operation::Credentials`].
    Credentials(String),
}

impl Asked {
    /// Reads an operation.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Parent)?;
        let entries = reader.any_map()?;
        reader.key(1)?;
        let operation = reader.uint()?;
        let asked = match (operation, entries) {
            (1, 1) => Self::Boot,
            (2, 5) => Self::Get(read_key(&mut reader)?),
            (3, 5) => Self::Put(read_key(&mut reader)?),
            (4, 5) => Self::Replace(read_key(&mut reader)?),
            (5, 4) => {
                let (kind, owner) = read_owner(&mut reader)?;
                reader.key(6)?;
                let after = reader.nullable(read_entry)?;
                Self::List { kind, owner, after }
            }
            (6, 5) => Self::Delete(read_key(&mut reader)?),
            (7, 2) => {
                reader.key(7)?;
                Self::Credentials(reader.text(1, 64)?.to_string())
            }
            _ => return Err(PARENT),
        };
        reader.end()?;
        if matches!(asked, Self::Replace(key) if key.kind != Kind::Statement) {
            return Err(PARENT);
        }
        Ok(asked)
    }
}

fn read_owner(reader: &mut Reader<'_>) -> Result<(Kind, [u8; 32]), Error> {
    reader.key(2)?;
    let kind = Kind::from_number(reader.uint()?).ok_or(PARENT)?;
    reader.key(3)?;
    Ok((kind, reader.fixed()?))
}

fn read_key(reader: &mut Reader<'_>) -> Result<Key, Error> {
    let (kind, owner) = read_owner(reader)?;
    reader.key(4)?;
    let id = reader.fixed()?;
    reader.key(5)?;
    Ok(Key { kind, owner, id, version: reader.uint()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_both_ways() {
        let key = Key { kind: Kind::Statement, owner: [1; 32], id: [0; 16], version: 3 };
        let cases = [
            (Operation::Boot, Asked::Boot),
            (Operation::Get(key), Asked::Get(key)),
            (Operation::Put(key, b"x"), Asked::Put(key)),
            (Operation::Replace(key, b"x"), Asked::Replace(key)),
            (
                Operation::List { kind: Kind::Function, owner: [2; 32], after: Some(([3; 16], 4)) },
                Asked::List { kind: Kind::Function, owner: [2; 32], after: Some(([3; 16], 4)) },
            ),
            (Operation::Delete(key), Asked::Delete(key)),
            (Operation::Credentials("eu-central-1"), Asked::Credentials("eu-central-1".to_string())),
        ];
        for (operation, asked) in cases {
            assert_eq!(Asked::decode(&operation.encode().0), Ok(asked));
        }
    }

    #[test]
    fn only_statements_are_replaced() {
        let key = Key { kind: Kind::Function, owner: [1; 32], id: [0; 16], version: 3 };
        assert_eq!(Asked::decode(&Operation::Replace(key, b"x").encode().0), Err(PARENT));
    }
}
