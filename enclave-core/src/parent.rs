//! What the enclave asks of the parent, and what comes back: port 8000, one operation a connection.
//!
//! Frames are u32be length ‖ bytes. An operation is a frame of CBOR, then, for `put` and `replace`, the body in
//! frames of at most [`MAX_BODY_FRAME`] of which the last is empty; the answer likewise, for `get`. The
//! parent stores bytes under a [`Key`] and understands none of them.

use crate::cbor::{Reader, Writer};
use crate::{Error, Part};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest operation or answer, without its body, in bytes.
pub const MAX_HEAD: usize = 1 << 20;
/// The longest frame of a body, in bytes.
pub const MAX_BODY_FRAME: usize = 65_536;
/// The longest stored object, in bytes: a bundle of 64 MiB, its tags, its head.
pub const MAX_BODY: usize = (64 << 20) + (1 << 20);
/// The longest configuration, in bytes.
pub const MAX_CONFIGURATION: usize = 16_384;
/// The longest list of those who may deploy, in bytes.
pub const MAX_DEPLOYERS: usize = 65_536;
/// The most entries in one answer to `list`; the next is asked for with `after`.
pub const MAX_LISTED: usize = 10_000;

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A function, sealed.
    Function = 1,
    /// A vault key, sealed.
    VaultKey = 2,
    /// A vault statement, public; its id is 16 zero bytes and its version the epoch.
    Statement = 3,
}

impl Kind {
    /// The kind of this number.
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Function),
            2 => Some(Self::VaultKey),
            3 => Some(Self::Statement),
            _ => None,
        }
    }
}

/// Under what a thing is stored. Nothing is looked up by less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: [u8; 32],
    /// Its id.
    pub id: [u8; 16],
    /// Its version; a vault key's and a statement's is the epoch.
    pub version: u64,
}

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

/// The parent's answer. Every one of them may be a lie.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done; also that a thing to delete was not there.
    Done,
    /// What was stored.
    Body(Vec<u8>),
    /// How [`Answer::Body`] begins on its way: so many bytes follow, at most [`MAX_BODY`]. Whoever asks can refuse them
    /// before there is memory for them.
    Follows(u64),
    /// Configuration, and the list of deployers if there is one.
    Boot(Vec<u8>, Option<Vec<u8>>),
    /// Ids and versions; if there are [`MAX_LISTED`], there may be more.
    Listed(Vec<([u8; 16], u64)>),
    /// Credentials.
    Credentials(Credentials),
    /// Nothing is stored there.
    NotFound,
    /// Something is stored there already.
    Exists,
    /// The parent could not do it.
    Failed,
}

/// AWS credentials as the parent has them. They open nothing without an attestation document.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id, at most 128 bytes.
    pub access_key_id: String,
    /// Secret access key, at most 128 bytes.
    pub secret_access_key: Zeroizing<String>,
    /// Session token, at most 4,096 bytes; empty if there is none.
    pub session_token: String,
}

const PARENT: Error = Error::Malformed(Part::Parent);

fn write_key(writer: &mut Writer, operation: u64, key: &Key) {
    writer.map(5).uint(1).uint(operation).uint(2).uint(key.kind as u64).uint(3).bytes(&key.owner);
    writer.uint(4).bytes(&key.id).uint(5).uint(key.version);
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

fn read_entry(reader: &mut Reader<'_>) -> Result<([u8; 16], u64), Error> {
    reader.array(2)?;
    Ok((reader.fixed()?, reader.uint()?))
}

impl Answer {
    /// The frame's content, and the body that follows it, if one does.
    pub fn encode(&self) -> (Vec<u8>, Option<&[u8]>) {
        let mut writer = Writer::new();
        let mut body = None;
        match self {
            Self::Done => {
                writer.map(1).uint(1).uint(0);
            }
            Self::Body(bytes) => {
                writer.map(2).uint(1).uint(1).uint(2).uint(bytes.len() as u64);
                body = Some(bytes.as_slice());
            }
            Self::Follows(length) => {
                writer.map(2).uint(1).uint(1).uint(2).uint(*length);
            }
            Self::Boot(configuration, deployers) => {
                writer.map(3).uint(1).uint(2).uint(2).bytes(configuration).uint(3);
                writer.nullable(deployers.as_deref(), |writer, list| {
                    writer.bytes(list);
                });
            }
            Self::Listed(entries) => {
                writer.map(2).uint(1).uint(3).uint(2).array(entries.len() as u64);
                for (id, version) in entries {
                    writer.array(2).bytes(id).uint(*version);
                }
            }
            Self::Credentials(credentials) => {
                writer.map(4).uint(1).uint(4).uint(2).text(&credentials.access_key_id);
                writer.uint(3).text(&credentials.secret_access_key).uint(4).text(&credentials.session_token);
            }
            Self::NotFound => {
                writer.map(1).uint(1).uint(5);
            }
            Self::Exists => {
                writer.map(1).uint(1).uint(6);
            }
            Self::Failed => {
                writer.map(1).uint(1).uint(7);
            }
        }
        (writer.finish(), body)
    }

    /// Reads an answer; [`Answer::Body`] is [`Answer::Follows`] as yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Parent)?;
        let entries = reader.any_map()?;
        reader.key(1)?;
        let answer = match (reader.uint()?, entries) {
            (0, 1) => Self::Done,
            (1, 2) => {
                reader.key(2)?;
                let length = reader.uint()?;
                if length > MAX_BODY as u64 {
                    return Err(Error::TooLarge(Part::Parent));
                }
                Self::Follows(length)
            }
            (2, 3) => {
                reader.key(2)?;
                let configuration = reader.bytes(0, MAX_CONFIGURATION)?.to_vec();
                reader.key(3)?;
                let deployers = reader.nullable(|reader| Ok(reader.bytes(0, MAX_DEPLOYERS)?.to_vec()))?;
                Self::Boot(configuration, deployers)
            }
            (3, 2) => {
                reader.key(2)?;
                let count = reader.any_array()?;
                if count > MAX_LISTED as u64 {
                    return Err(Error::TooLarge(Part::Parent));
                }
                let mut entries = Vec::new();
                for _ in 0..count {
                    entries.push(read_entry(&mut reader)?);
                }
                Self::Listed(entries)
            }
            (4, 4) => {
                reader.key(2)?;
                let access_key_id = reader.text(1, 128)?.to_string();
                reader.key(3)?;
                let secret_access_key = Zeroizing::new(reader.text(1, 128)?.to_string());
                reader.key(4)?;
                let session_token = reader.text(0, 4096)?.to_string();
                Self::Credentials(Credentials { access_key_id, secret_access_key, session_token })
            }
            (5, 1) => Self::NotFound,
            (6, 1) => Self::Exists,
            (7, 1) => Self::Failed,
            _ => return Err(PARENT),
        };
        reader.end()?;
        Ok(answer)
    }
}

impl core::fmt::Debug for Answer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Body(_) | Self::Follows(_) => "Body",
            Self::Boot(..) => "Boot",
            Self::Listed(_) => "Listed",
            Self::Credentials(_) => "Credentials([redacted])",
            Self::NotFound => "NotFound",
            Self::Exists => "Exists",
            Self::Failed => "Failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

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

    #[test]
    fn answers_both_ways() {
        let credentials = Credentials {
            access_key_id: "AKID".to_string(),
            secret_access_key: Zeroizing::new("secret".to_string()),
            session_token: String::new(),
        };
        for answer in [
            Answer::Done,
            Answer::Boot(vec![1], Some(vec![2])),
            Answer::Boot(vec![1], None),
            Answer::Listed(vec![([1; 16], 2)]),
            Answer::Credentials(credentials),
            Answer::NotFound,
            Answer::Exists,
            Answer::Failed,
        ] {
            assert_eq!(Answer::decode(&answer.encode().0), Ok(answer));
        }
        let follows = |length: usize| Answer::Follows(length as u64);
        assert_eq!(Answer::decode(&Answer::Body(vec![9]).encode().0), Ok(follows(1)));
        assert_eq!(Answer::decode(&follows(MAX_BODY).encode().0), Ok(follows(MAX_BODY)));
        assert_eq!(Answer::decode(&follows(MAX_BODY + 1).encode().0), Err(Error::TooLarge(Part::Parent)));
    }
}
