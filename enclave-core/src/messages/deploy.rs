//! deploy: the body is the bundle, the result is empty. The function is stored, read back and opened before the answer.

use crate::Error;
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::kms::AcceptedKey;
use crate::messages::request::{Params, Verb, read_record};
use crate::types::{Checksum, ObjectId};
use alloc::vec::Vec;

/// {1: id, 2: version, 3: checksum, 4: ARN, 5 and 6: digests of policy and metadata, 7: function-record}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployParams {
    /// The function's id.
    pub id: ObjectId,
    /// The function's version.
    pub version: u64,
    /// The checksum of the bundle.
    pub checksum: Checksum,
    /// The KMS key, as the client accepted it.
    pub key: AcceptedKey,
    /// The owner's signed [`FunctionRecord`](crate::identity::FunctionRecord).
    pub record: Vec<u8>,
}

impl Params for DeployParams {
    const VERB: Verb = Verb::Deploy;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (id, version) = (reader.map(7)?.key(1)?.fixed()?, reader.key(2)?.uint()?);
        let checksum = reader.key(3)?.fixed()?;
        let key = AcceptedKey::read(reader, 4)?;
        Ok(Self { id, version, checksum, key, record: read_record(reader.key(7)?)? })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(7).uint(1).bytes(self.id).uint(2).uint(self.version).uint(3).bytes(self.checksum);
        self.key.write(writer, 4);
        writer.uint(7).item(&self.record);
    }
}
