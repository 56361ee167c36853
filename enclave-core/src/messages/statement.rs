//! statement: anyone may ask for an owner's vault statement. It proves itself; the enclave does not vouch for it.

use crate::Error;
use crate::encoding::{Reader, Writer};
use crate::messages::request::{Params, Verb};
use crate::types::{Kid, OwnerKey};
use alloc::vec::Vec;

/// {1: owner, 2: kid / null}.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementParams {
    /// The vault's owner.
    pub owner: OwnerKey,
    /// The vault key; `None` for the owner's newest.
    pub kid: Option<Kid>,
}

impl Params for StatementParams {
    const VERB: Verb = Verb::Statement;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let owner = reader.map(2)?.key(1)?.fixed()?;
        Ok(Self { owner, kid: reader.key(2)?.nullable(Reader::fixed)? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(2).uint(1).bytes(self.owner).uint(2).nullable(self.kid, |writer, kid| {
            writer.bytes(kid);
        });
    }
}

/// {1: statement}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementResult {
    /// The statement, as the owner published it.
    pub statement: Vec<u8>,
}

impl StatementResult {
    /// The result's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(1).uint(1).bytes(&self.statement);
        writer.finish()
    }

    /// Reads a result.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`](crate::MessageKind::Response).
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, crate::MessageKind::Response)?;
        let statement = reader.map(1)?.key(1)?.bytes(1, crate::objects::MAX_STATEMENT)?.to_vec();
        reader.end()?;
        Ok(Self { statement })
    }
}
