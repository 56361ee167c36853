//! The configuration: what differs between deployments of one image.
//!
//! The enclave measures it into PCR16 and repeats it in all claims. It cannot weaken any check.

use crate::crypto::{sha256, sha384};
use crate::encoding::Reader;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::kms::Arn;
use crate::types::{OwnerKey, Pcr};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// First entry of a configuration.
const CONFIGURATION: &str = "capelet/1/configuration";
/// The longest configuration, in bytes.
pub const MAX_CONFIGURATION: usize = 16_384;
/// The longest list of deployers, in bytes.
pub const MAX_DEPLOYERS: usize = 65_536;
/// The largest bundle, in bytes.
pub const MAX_BUNDLE: usize = 64 << 20;
/// The index of the PCR that the configuration is measured into.
pub const CONFIGURATION_PCR: u8 = 16;

/// What a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall time, in milliseconds.
    pub run: u64,
    /// WebAssembly memory, in bytes.
    pub memory: u64,
    /// All inputs of a run together, in bytes.
    pub input: u64,
    /// Output, in bytes.
    pub output: u64,
}

impl Limits {
    /// The compiled-in limits: 60 s, 256 MiB, 256 MiB, 64 MiB.
    pub const MAXIMA: Self = Self { run: 60_000, memory: 256 << 20, input: 256 << 20, output: 64 << 20 };

    /// The limits in force: each of these, but no more than the compiled-in one.
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
    /// The limits asked for; [`Limits::effective`] gives those in force.
    pub limits: Limits,
    /// SHA-256 of the salted list of deployers, who may deploy and make vault keys; `None` if anyone may.
    pub deployers: Option<[u8; 32]>,
}

impl Configuration {
    /// Reads a configuration of at most [`MAX_CONFIGURATION`] bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Configuration`]; [`Error::Malformed`] of
    /// [`MessageKind::Arn`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_CONFIGURATION {
            return Err(Error::TooLarge(MessageKind::Configuration));
        }
        let mut reader = Reader::new(bytes, MessageKind::Configuration)?;
        reader.map(4)?.key(1)?.literal(CONFIGURATION)?;
        let arn = Arn::read(reader.key(2)?)?;
        reader.key(3)?.map(4)?;
        let mut limit = |key| reader.key(key)?.uint();
        let limits = Limits { run: limit(1)?, memory: limit(2)?, input: limit(3)?, output: limit(4)? };
        let deployers = reader.key(4)?.nullable(Reader::fixed)?;
        reader.end()?;
        Ok(Self { arn, limits, deployers })
    }

    /// The configuration's bytes.
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Vec<u8> {
        let Limits { run, memory, input, output } = self.limits;
        let mut writer = Writer::new();
        writer.map(4).uint(1).text(CONFIGURATION).uint(2).text(self.arn.text());
        writer.uint(3).map(4).uint(1).uint(run).uint(2).uint(memory).uint(3).uint(input).uint(4).uint(output);
        writer.uint(4).nullable(self.deployers, |writer, digest| {
            writer.bytes(digest);
        });
        writer.finish()
    }
}

/// PCR16 of an enclave with this configuration: zeros, extended once with the configuration's SHA-384.
pub fn pcr16(configuration: &[u8]) -> Pcr {
    Pcr::new(sha384(&[Pcr::ZERO.as_bytes(), &sha384(&[configuration])]))
}

/// The owners who may deploy and make vault keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployers(Vec<OwnerKey>);

impl Deployers {
    /// Reads the list that came with `configuration`, and compares it with the digest there. `None` if anyone may
    /// deploy.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of [`MessageKind::Configuration`] for a list that is missing, unexpected, or has another
    /// digest; [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Configuration`].
    pub fn parse(configuration: &Configuration, list: Option<&[u8]>) -> Result<Option<Self>, Error> {
        let (Some(digest), Some(list)) = (configuration.deployers, list) else {
            let agree = configuration.deployers.is_none() && list.is_none();
            return if agree { Ok(None) } else { Err(Error::Mismatch(MessageKind::Configuration)) };
        };
        if list.len() > MAX_DEPLOYERS {
            return Err(Error::TooLarge(MessageKind::Configuration));
        }
        if sha256(&[list]) != digest {
            return Err(Error::Mismatch(MessageKind::Configuration));
        }
        let mut reader = Reader::new(list, MessageKind::Configuration)?;
        let count = reader.any_array()?;
        // The salt, without which anyone could confirm a guess of who is on the list.
        let _: [u8; 32] = reader.fixed()?;
        let keys = (1..count).map(|_| reader.fixed()).collect::<Result<Vec<OwnerKey>, _>>()?;
        reader.end()?;
        if keys.is_empty() || !keys.is_sorted_by(|a, b| a < b) {
            return Err(Error::Malformed(MessageKind::Configuration));
        }
        Ok(Some(Self(keys)))
    }

    /// The bytes of the list of these keys: [salt, + key], sorted, each key once. The salt is random, and stays the same
    /// when the list is written anew.
    #[cfg(feature = "outside")]
    pub fn encode(salt: &[u8; 32], mut keys: Vec<OwnerKey>) -> Vec<u8> {
        keys.sort_unstable();
        keys.dedup();
        let mut writer = Writer::new();
        writer.array(1 + keys.len() as u64).bytes(salt);
        for key in &keys {
            writer.bytes(key);
        }
        writer.finish()
    }

    /// How many owners are in the list.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether `owner` is in the list.
    pub fn allowed(&self, owner: &OwnerKey) -> bool {
        self.0.binary_search(owner).is_ok()
    }
}
