//! run: the body is the inputs, one after the other; the response's body is the output.

use crate::encoding::{Reader, Writer};
use crate::messages::request::{Params, Verb};
use crate::objects::MAX_INPUTS;
use crate::types::{Checksum, ObjectId, OwnerKey};
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// {1: owner, 2: id, 3: version, 4: checksum, 5: [+ input]}.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunParams {
    /// The function's owner.
    pub owner: OwnerKey,
    /// The function's id.
    pub id: ObjectId,
    /// The function's version.
    pub version: u64,
    /// The function's checksum.
    pub checksum: Checksum,
    /// The inputs, 1 to [`MAX_INPUTS`].
    pub inputs: Vec<RunInput>,
}

/// One input: [0, length] for plaintext, [1, length, epoch] for an encrypted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunInput {
    /// Its length in the body, in bytes.
    pub length: u64,
    /// The epoch of the vault key of an encrypted file; `None` for plaintext.
    pub epoch: Option<u64>,
}

impl Params for RunParams {
    const VERB: Verb = Verb::Run;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (owner, id) = (reader.map(5)?.key(1)?.fixed()?, reader.key(2)?.fixed()?);
        let (version, checksum) = (reader.key(3)?.uint()?, reader.key(4)?.fixed()?);
        let count = reader.key(5)?.any_array()?;
        if !(1..=MAX_INPUTS).contains(&count) {
            return Err(Error::TooLarge(MessageKind::Request));
        }
        let inputs = (0..count).map(|_| RunInput::read(reader)).collect::<Result<_, _>>()?;
        Ok(Self { owner, id, version, checksum, inputs })
    }

    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer) {
        writer.map(5).uint(1).bytes(self.owner).uint(2).bytes(self.id).uint(3).uint(self.version);
        writer.uint(4).bytes(self.checksum).uint(5).array(self.inputs.len() as u64);
        for input in &self.inputs {
            match input.epoch {
                None => writer.array(2).uint(0).uint(input.length),
                Some(epoch) => writer.array(3).uint(1).uint(input.length).uint(epoch),
            };
        }
    }
}

impl RunInput {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (items, kind) = (reader.any_array()?, reader.uint()?);
        let length = reader.uint()?;
        let epoch = match (kind, items) {
            (0, 2) => None,
            (1, 3) => Some(reader.uint()?),
            _ => return Err(Error::Malformed(MessageKind::Request)),
        };
        Ok(Self { length, epoch })
    }
}

/// {? 1: the value of a limit or an exit status, ? 2: stderr}: the result of a run, and of any request that failed.
#[derive(Clone, PartialEq, Eq)]
pub struct RunResult {
    /// The value that belongs to the response's status.
    pub value: Option<u64>,
    /// What the function wrote to stderr, if the caller may see it.
    pub stderr: Option<Zeroizing<Vec<u8>>>,
}

impl RunResult {
    /// The result's bytes.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // An upper bound of the heads and the value.
        let mut writer = Writer::with_capacity(32 + self.stderr.as_ref().map_or(0, |stderr| stderr.len()));
        writer.map(u64::from(self.value.is_some()) + u64::from(self.stderr.is_some()));
        if let Some(value) = self.value {
            writer.uint(1).uint(value);
        }
        if let Some(stderr) = &self.stderr {
            writer.uint(2).bytes(stderr);
        }
        Zeroizing::new(writer.finish())
    }

    /// Reads a result.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Response`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Response)?;
        let (mut value, mut stderr) = (None, None);
        for _ in 0..reader.any_map()? {
            match reader.uint()? {
                1 => value = Some(reader.uint()?),
                2 => stderr = Some(Zeroizing::new(reader.bytes(0, capelet_abi::MAX_DIAGNOSTIC)?.to_vec())),
                _ => return Err(Error::Malformed(MessageKind::Response)),
            }
        }
        reader.end()?;
        Ok(Self { value, stderr })
    }
}

redacted!(RunResult);
