//! The state of a KMS key: digests for the claims, texts for the client, and what a client has accepted.

use crate::Error;
use crate::encoding::{Reader, Writer};
use crate::kms::arn::Arn;
use crate::time::UnixMillis;
use alloc::string::String;
use alloc::vec::Vec;

/// What the enclave read of a KMS key, as digests. The texts go to the client, who judges them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKeyState {
    /// The key.
    pub arn: Arn,
    /// SHA-384 of the policy's text; `None` if it could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of the key metadata; `None` if they could not be read.
    pub metadata: Option<[u8; 48]>,
    /// When it was read.
    pub read_at: UnixMillis,
}

impl KmsKeyState {
    /// Reads a kms-state.
    ///
    /// # Errors
    /// [`Error::Malformed`] of the reader's [`MessageKind`](crate::MessageKind).
    #[cfg(feature = "outside")]
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.map(4)?;
        let AcceptedKey { arn, policy, metadata } = AcceptedKey::read(reader, 1)?;
        Ok(Self { arn, policy, metadata, read_at: UnixMillis::new(reader.key(4)?.uint()?) })
    }

    /// Writes a kms-state.
    pub fn write(&self, writer: &mut Writer) {
        writer.map(4).uint(1).text(self.arn.text());
        writer.uint(2).nullable(self.policy, write_digest).uint(3).nullable(self.metadata, write_digest);
        writer.uint(4).uint(self.read_at.get());
    }
}

fn write_digest(writer: &mut Writer, digest: [u8; 48]) {
    writer.bytes(digest);
}

/// The state of a KMS key that a client has accepted, as its requests name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedKey {
    /// The key.
    pub arn: Arn,
    /// SHA-384 of the policy's text; `None` if it could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of the key metadata; `None` if they could not be read.
    pub metadata: Option<[u8; 48]>,
}

impl AcceptedKey {
    /// Reads it from a request's entries `first`, `first + 1` and `first + 2`.
    ///
    /// # Errors
    /// [`Error::Malformed`] of the reader's [`MessageKind`](crate::MessageKind).
    pub fn read(reader: &mut Reader<'_>, first: u64) -> Result<Self, Error> {
        let (arn, policy) = (Arn::read(reader.key(first)?)?, reader.key(first + 1)?.nullable(Reader::fixed)?);
        Ok(Self { arn, policy, metadata: reader.key(first + 2)?.nullable(Reader::fixed)? })
    }

    /// Writes it as a request's entries `first`, `first + 1` and `first + 2`.
    #[cfg(feature = "outside")]
    pub fn write(&self, writer: &mut Writer, first: u64) {
        writer.uint(first).text(self.arn.text());
        writer.uint(first + 1).nullable(self.policy, write_digest);
        writer.uint(first + 2).nullable(self.metadata, write_digest);
    }

    /// Whether the key still has the state that the client accepted. What could not be read equals only what could not
    /// be read.
    pub fn matches(&self, state: &KmsKeyState) -> bool {
        self.arn == state.arn && self.policy == state.policy && self.metadata == state.metadata
    }
}

/// What a client accepts that accepts this state.
#[cfg(feature = "outside")]
impl From<&KmsKeyState> for AcceptedKey {
    fn from(state: &KmsKeyState) -> Self {
        Self { arn: state.arn.clone(), policy: state.policy, metadata: state.metadata }
    }
}

/// What was read of a KMS key: digests for the claims, texts for the client.
#[derive(Clone)]
pub struct KeyReading {
    /// The digests, and the time of reading.
    pub state: KmsKeyState,
    /// The policy's text; `None` if it could not be read.
    pub policy: Option<String>,
    /// The key metadata as CBOR; `None` if they could not be read.
    pub metadata: Option<Vec<u8>>,
}
