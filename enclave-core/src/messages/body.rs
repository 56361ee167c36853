//! What a message says of its body.

use crate::crypto::sha256;
use crate::encoding::{Reader, Writer};
use crate::{Error, MessageKind};

/// The length and digest of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest {
    /// Its length, in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl BodyDigest {
    /// The length and digest of `body`.
    pub fn of(body: &[u8]) -> Self {
        Self { length: body.len() as u64, sha256: sha256(&[body]) }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { length: reader.array(2)?.uint()?, sha256: reader.fixed()? })
    }

    pub(super) fn write(self, writer: &mut Writer) {
        writer.array(2).uint(self.length).bytes(self.sha256);
    }
}

/// Compares the body that was `found` with what its message announced. A message that announces `None` has an empty
/// body.
///
/// # Errors
/// [`Error::Mismatch`] of `kind`.
pub fn check_body(announced: Option<BodyDigest>, found: BodyDigest, kind: MessageKind) -> Result<(), Error> {
    match announced {
        None if found.length == 0 => Ok(()),
        Some(announced) if announced == found => Ok(()),
        _ => Err(Error::Mismatch(kind)),
    }
}
