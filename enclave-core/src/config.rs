//! The configuration: what differs between deployments of one image. It is measured into PCR16, repeated in every
//! claim, and can weaken no check.

pub use crate::arn::{ARN_MAX, ARN_MIN, Arn};
pub use crate::parent::{MAX_CONFIGURATION, MAX_DEPLOYERS};

use crate::cbor::{Reader, Writer};
use crate::{Error, Part, digest};
use alloc::vec::Vec;

/// First entry of a configuration.
const CONFIGURATION: &str = "capelet/1/configuration";
/// The largest bundle, in bytes.
pub const MAX_BUNDLE: usize = 64 << 20;

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall time, in milliseconds.
    pub run: u64,
    /// WebAssembly memory, in bytes.
    pub memory: u64,
    /// Input, all of a run's together, in bytes.
    pub input: u64,
    /// Output, in bytes.
    pub output: u64,
}

impl Limits {
    /// What is compiled in: 60 s, 256 MiB, 256 MiB, 64 MiB.
    pub const MAXIMA: Self = Self { run: 60_000, memory: 256 << 20, input: 256 << 20, output: 64 << 20 };

    /// What holds: each of these, where it lowers what is compiled in.
    pub fn effective(self) -> Self {
        let most = Self::MAXIMA;
        Self {
            run: self.run.min(most.run),
            memory: self.memory.min(most.memory),
            input: self.input.min(most.input),
            output: self.output.min(most.output),
        }
    }
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The KMS key.
    pub arn: Arn,
    /// The limits asked for; [`Limits::effective`] hold.
    pub limits: Limits,
    /// SHA-256 of the list of those who may deploy and make vault keys; none: anybody.
    pub deployers: Option<[u8; 32]>,
}

impl Configuration {
    /// Reads a configuration of at most [`MAX_CONFIGURATION`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_CONFIGURATION {
            return Err(Error::TooLarge(Part::Configuration));
        }
        let mut reader = Reader::new(bytes, Part::Configuration)?;
        reader.map(4)?;
        reader.key(1)?;
        reader.literal(CONFIGURATION)?;
        reader.key(2)?;
        let arn = Arn::parse(reader.text(ARN_MIN, ARN_MAX)?)?;
        reader.key(3)?;
        reader.map(4)?;
        let mut limit = |key| {
            reader.key(key)?;
            reader.uint()
        };
        let limits = Limits { run: limit(1)?, memory: limit(2)?, input: limit(3)?, output: limit(4)? };
        reader.key(4)?;
        let deployers = reader.nullable(Reader::fixed)?;
        reader.end()?;
        Ok(Self { arn, limits, deployers })
    }

    /// The configuration's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Limits { run, memory, input, output } = self.limits;
        let mut writer = Writer::new();
        writer.map(4).uint(1).text(CONFIGURATION).uint(2).text(self.arn.text());
        writer.uint(3).map(4).uint(1).uint(run).uint(2).uint(memory).uint(3).uint(input).uint(4).uint(output);
        writer.uint(4).nullable(self.deployers, |writer, digest| {
            writer.bytes(&digest);
        });
        writer.finish()
    }
}

/// PCR16 of an enclave with this configuration: zeros, extended once with the configuration's SHA-384.
pub fn pcr16(configuration: &[u8]) -> [u8; 48] {
    digest::sha384(&[&[0; 48], &digest::sha384(&[configuration])])
}

/// Those who may deploy and make vault keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployers(Vec<[u8; 32]>);

impl Deployers {
    /// Reads the list that came beside `configuration`, and compares it with the digest therein. None if anybody may;
    /// a list that is missing, or that the configuration does not know of, is [`Error::Disagrees`].
    pub fn parse(configuration: &Configuration, list: Option<&[u8]>) -> Result<Option<Self>, Error> {
        let (Some(digest), Some(list)) = (configuration.deployers, list) else {
            let agree = configuration.deployers.is_none() && list.is_none();
            return if agree { Ok(None) } else { Err(Error::Disagrees(Part::Configuration)) };
        };
        if list.len() > MAX_DEPLOYERS {
            return Err(Error::TooLarge(Part::Configuration));
        }
        if digest::sha256(&[list]) != digest {
            return Err(Error::Disagrees(Part::Configuration));
        }
        let mut reader = Reader::new(list, Part::Configuration)?;
        let keys = (0..reader.any_array()?).map(|_| reader.fixed()).collect::<Result<Vec<[u8; 32]>, _>>()?;
        reader.end()?;
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(Error::Malformed(Part::Configuration));
        }
        Ok(Some(Self(keys)))
    }

    /// The list's bytes, for whoever makes a configuration: sorted, each key once.
    pub fn encode(mut keys: Vec<[u8; 32]>) -> Vec<u8> {
        keys.sort_unstable();
        keys.dedup();
        let mut writer = Writer::new();
        writer.array(keys.len() as u64);
        for key in &keys {
            writer.bytes(key);
        }
        writer.finish()
    }

    /// Whether `owner` stands in the list.
    pub fn allowed(&self, owner: &[u8; 32]) -> bool {
        self.0.binary_search(owner).is_ok()
    }
}
