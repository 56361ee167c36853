//! What the enclave asks of the parent, and what comes back: port 8000, one operation a connection.
//!
//! Frames are u32be length ‖ bytes. An operation is a frame of CBOR, then, for `put` and `replace`, the body in
//! frames of at most [`MAX_BODY_FRAME`] of which the last is empty; the answer likewise, for `get`. The
//! parent stores bytes under a [`Key`] and understands none of them.

mod answer;
mod operation;

pub use answer::{Answer, Credentials};
pub use operation::{Asked, Operation};

use crate::cbor::Reader;
use crate::{Error, Part};

/// The longest operation or answer, without its body, in bytes.
pub const MAX_HEAD: usize = 1 << 20;
/// The longest frame of a body, in bytes.
pub const MAX_BODY_FRAME: usize = 65_536;
/// The longest stored object, in bytes: a bundle of 64 MiB, its tags, its head.
pub const MAX_BODY: usize = (64 << 20) + (1 << 20);
/// The longest configuration, in bytes.
pub const MAX_CONFIGURATION: usize = 16_384;
/// The longest list of those who may deploy, in bytes.
pub const MAX_DEPLOYERS: usize = 65_536;
/// The most entries in one answer to `list`; the next is asked for with `after`.
pub const MAX_LISTED: usize = 10_000;

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A function, sealed.
    Function = 1,
    /// A vault key, sealed.
    VaultKey = 2,
    /// A vault statement, public; its id is 16 zero bytes and its version the epoch.
    Statement = 3,
}

impl Kind {
    /// The kind of this number.
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Function),
            2 => Some(Self::VaultKey),
            3 => Some(Self::Statement),
            _ => None,
        }
    }
}

/// Under what a thing is stored. Nothing is looked up by less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: [u8; 32],
    /// Its id.
    pub id: [u8; 16],
    /// Its version; a vault key's and a statement's is the epoch.
    pub version: u64,
}

const PARENT: Error = Error::Malformed(Part::Parent);

fn read_entry(reader: &mut Reader<'_>) -> Result<([u8; 16], u64), Error> {
    reader.array(2)?;
    Ok((reader.fixed()?, reader.uint()?))
}
