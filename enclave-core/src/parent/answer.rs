//! What the parent answers. Every answer may be a lie.

use crate::configuration::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::parent::limits::{MAX_BODY, MAX_LISTED};
use crate::parent::store_key::ListEntry;
use crate::{Error, MessageKind};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The parent's answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done; also the answer to the deletion of what is not stored.
    Done,
    /// The stored bytes.
    Body(Vec<u8>),
    /// What [`Answer::Body`] begins with: this many bytes follow, at most [`MAX_BODY`]. The enclave can refuse them before
    /// it allocates memory.
    Follows(u64),
    /// The configuration, and the list of deployers if there is one.
    Boot(Vec<u8>, Option<Vec<u8>>),
    /// Ids and versions; after [`MAX_LISTED`] of them there may be more.
    Listed(Vec<ListEntry>),
    /// Credentials.
    Credentials(Credentials),
    /// Nothing is stored under the key.
    NotFound,
    /// Something is stored under the key already.
    Exists,
    /// The operation failed.
    Failed,
}

/// AWS credentials of the parent. Without an attestation document they open nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id, at most 128 bytes.
    pub access_key_id: String,
    /// Secret access key, at most 128 bytes.
    pub secret_access_key: Zeroizing<String>,
    /// Session token, at most 4,096 bytes; empty for credentials without one.
    pub session_token: String,
}

impl Answer {
    /// The frame's content, and the body that follows it, if there is one.
    #[cfg(feature = "outside")]
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
                for entry in entries {
                    entry.write(&mut writer);
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

    /// Reads an answer. [`Answer::Body`] is read as [`Answer::Follows`].
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Parent`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Parent)?;
        let entries = reader.any_map()?;
        let answer = match (reader.key(1)?.uint()?, entries) {
            (0, 1) => Self::Done,
            (1, 2) => {
                let length = reader.key(2)?.uint()?;
                if length > MAX_BODY as u64 {
                    return Err(Error::TooLarge(MessageKind::Parent));
                }
                Self::Follows(length)
            }
            (2, 3) => {
                let configuration = reader.key(2)?.bytes(0, MAX_CONFIGURATION)?.to_vec();
                let deployers = reader.key(3)?.nullable(|reader| Ok(reader.bytes(0, MAX_DEPLOYERS)?.to_vec()))?;
                Self::Boot(configuration, deployers)
            }
            (3, 2) => {
                let count = reader.key(2)?.any_array()?;
                if count > MAX_LISTED as u64 {
                    return Err(Error::TooLarge(MessageKind::Parent));
                }
                let mut entries = Vec::new();
                for _ in 0..count {
                    entries.push(ListEntry::read(&mut reader)?);
                }
                Self::Listed(entries)
            }
            (4, 4) => {
                let access_key_id = reader.key(2)?.text(1, 128)?.to_string();
                let secret_access_key = Zeroizing::new(reader.key(3)?.text(1, 128)?.to_string());
                let session_token = reader.key(4)?.text(0, 4096)?.to_string();
                Self::Credentials(Credentials { access_key_id, secret_access_key, session_token })
            }
            (5, 1) => Self::NotFound,
            (6, 1) => Self::Exists,
            (7, 1) => Self::Failed,
            _ => return Err(Error::Malformed(MessageKind::Parent)),
        };
        reader.end()?;
        Ok(answer)
    }
}

/// The kind alone. The parent's log has it.
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
    fn reads_what_it_writes() {
        let credentials = Credentials {
            access_key_id: "AKID".to_string(),
            secret_access_key: Zeroizing::new("secret".to_string()),
            session_token: String::new(),
        };
        for answer in [
            Answer::Done,
            Answer::Boot(vec![1], Some(vec![2])),
            Answer::Boot(vec![1], None),
            Answer::Listed(vec![ListEntry { id: crate::types::ObjectId::new([1; 16]), version: 2 }]),
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
        assert_eq!(Answer::decode(&follows(MAX_BODY + 1).encode().0), Err(Error::TooLarge(MessageKind::Parent)));
    }
}
