//! policy: anyone may ask for the texts whose digests the claims contain. The client judges them.

use crate::encoding::{Reader, Writer};
use crate::kms::Arn;
use crate::messages::request::{Params, Verb};
use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;

/// {? 1: ARN}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyParams {
    /// The KMS key; `None` for the configuration's.
    pub arn: Option<Arn>,
}

impl Params for PolicyParams {
    const VERB: Verb = Verb::Policy;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let arn = match reader.any_map()? {
            0 => None,
            1 => {
                reader.key(1)?;
                Some(Arn::read(reader)?)
            }
            _ => return Err(Error::Malformed(MessageKind::Request)),
        };
        Ok(Self { arn })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(self.arn.is_some().into());
        if let Some(arn) = &self.arn {
            writer.uint(1).text(arn.text());
        }
    }
}

/// {1: policy text / null, 2: key metadata / null}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyResult {
    /// The policy's text; `None` if it could not be read.
    pub policy: Option<String>,
    /// The key metadata as CBOR; `None` if they could not be read.
    pub metadata: Option<Vec<u8>>,
}

impl PolicyResult {
    /// The result's bytes.
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

    /// Reads a result.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        use crate::kms::{MAX_METADATA, MAX_POLICY};
        let mut reader = Reader::new(bytes, MessageKind::Response)?;
        reader.map(2)?;
        reader.key(1)?;
        let policy = reader.nullable(|reader| Ok(reader.text(0, MAX_POLICY)?.into()))?;
        reader.key(2)?;
        let metadata = reader.nullable(|reader| Ok(reader.bytes(0, MAX_METADATA)?.to_vec()))?;
        reader.end()?;
        Ok(Self { policy, metadata })
    }
}
