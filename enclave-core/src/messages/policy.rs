//! policy: the texts of a KMS key whose digests claims contain. The client judges them. The result is empty; the texts
//! are the body, because together they can be longer than a head.

use crate::encoding::{Reader, Writer};
use crate::kms::Arn;
use crate::messages::request::{Params, Verb};
use crate::types::OwnerKey;
use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;

/// Which KMS key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyParams {
    /// {}: the configuration's.
    Configured,
    /// {1: ARN}: this one. Only who may deploy may ask for another than the configuration's.
    Key(Arn),
    /// {2: [owner, epoch]}: the one that the owner's record of this stored statement names.
    Statement(OwnerKey, u64),
}

impl Params for PolicyParams {
    const VERB: Verb = Verb::Policy;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        if reader.any_map()? == 0 {
            return Ok(Self::Configured);
        }
        match reader.uint()? {
            1 => Ok(Self::Key(Arn::read(reader)?)),
            2 => Ok(Self::Statement(reader.array(2)?.fixed()?, reader.uint()?)),
            _ => Err(Error::Malformed(MessageKind::Request)),
        }
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Configured => writer.map(0),
            Self::Key(arn) => writer.map(1).uint(1).text(arn.text()),
            Self::Statement(owner, epoch) => writer.map(1).uint(2).array(2).bytes(owner).uint(*epoch),
        };
    }
}

/// {1: policy text / null, 2: key metadata / null}: the body of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTexts {
    /// The policy's text; `None` if it could not be read.
    pub policy: Option<String>,
    /// The key metadata as CBOR; `None` if they could not be read.
    pub metadata: Option<Vec<u8>>,
}

impl PolicyTexts {
    /// The body's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(2).uint(1).nullable(self.policy.as_deref(), |writer, text| {
            writer.text(text);
        });
        writer.uint(2).nullable(self.metadata.as_deref(), |writer, metadata| {
            writer.bytes(metadata);
        });
        writer.finish()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        use crate::kms::{MAX_METADATA, MAX_POLICY};
        let mut reader = Reader::new(bytes, MessageKind::Response)?;
        let policy = reader.map(2)?.key(1)?.nullable(|reader| Ok(reader.text(0, MAX_POLICY)?.into()))?;
        let metadata = reader.key(2)?.nullable(|reader| Ok(reader.bytes(0, MAX_METADATA)?.to_vec()))?;
        reader.end()?;
        Ok(Self { policy, metadata })
    }
}
