//! Core → worker: what to run. A header that gives every length, then module, files and input, back to back.

use alloc::vec::Vec;

/// The longest header, in bytes.
pub const MAX_HEADER: usize = 1 << 20;
/// The most arguments.
pub const MAX_ARGUMENTS: usize = 64;
/// The most files.
pub const MAX_FILES: usize = 4096;

const MAGIC: [u8; 4] = *b"CPJ1";

/// How a function is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A WASI command: `_start`, input on stdin, result on stdout.
    Command,
    /// A reactor: `_initialize`, then a handler that is given the input and returns the result.
    Reactor,
}

/// What a run may use. The wall clock is PID 1's, in [`crate::spawn::Spawn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// WebAssembly memory, in bytes.
    pub memory: u64,
    /// Output, in bytes.
    pub output: u64,
    /// Fuel, the wide backstop behind the time limit.
    pub fuel: u64,
}

/// The header of a job. Its encoding: u32be length ‖ magic ‖ kind ‖ three limits and the time (u64be each) ‖
/// handler ‖ arguments ‖ module length ‖ files ‖ input length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the function is entered.
    pub kind: Kind,
    /// What it may use.
    pub limits: Limits,
    /// The time it is told, in milliseconds since 1970: the core's, for the machine's clock is the parent's.
    pub now: u64,
    /// A reactor's handler; empty for a command.
    pub handler: Vec<u8>,
    /// The arguments, without the program's name.
    pub arguments: Vec<Vec<u8>>,
    /// Length of the module, in bytes.
    pub module: u32,
    /// Path and length of each read-only file. Paths are relative, their parts joined by `/`: no part is empty, `.`
    /// or `..`, none holds a NUL, and no file is also a directory. `input/0` is the worker's own: a command's input.
    pub files: Vec<(Vec<u8>, u32)>,
    /// Length of the input, in bytes.
    pub input: u64,
}

/// What a worker needs beside module, files, input and memory of the function, in bytes.
const OVERHEAD: u64 = 96 << 20;

impl Header {
    /// The address space that a worker for this job needs, in bytes: for [`crate::spawn::Spawn`], and what the worker
    /// limits itself to. WebAssembly memory counts twice, for it grows by doubling; the module eight times, for it is
    /// held as it came and translated into something larger.
    pub fn address_space(&self) -> u64 {
        let files = self.files.iter().map(|(_, length)| u64::from(*length)).sum::<u64>();
        let memory = self.limits.memory.saturating_mul(2);
        let module = u64::from(self.module) * 8;
        OVERHEAD.saturating_add(memory).saturating_add(module).saturating_add(files).saturating_add(self.input)
    }

    /// The header with its length in front; None if a part is longer than its field.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::from([0; 4]);
        out.extend_from_slice(&MAGIC);
        out.push(match self.kind {
            Kind::Command => 0,
            Kind::Reactor => 1,
        });
        for value in [self.limits.memory, self.limits.output, self.limits.fuel, self.now] {
            out.extend_from_slice(&value.to_be_bytes());
        }
        put_short(&mut out, &self.handler)?;
        put_count(&mut out, self.arguments.len(), MAX_ARGUMENTS)?;
        for argument in &self.arguments {
            put_short(&mut out, argument)?;
        }
        out.extend_from_slice(&self.module.to_be_bytes());
        put_count(&mut out, self.files.len(), MAX_FILES)?;
        for (path, length) in &self.files {
            put_short(&mut out, path)?;
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(&self.input.to_be_bytes());
        let length = out.len().checked_sub(4).filter(|n| *n <= MAX_HEADER)?;
        out.get_mut(..4)?.copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
        Some(out)
    }

    /// Reads a header, its length already taken off. None if it is not of its form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut at = Cursor(bytes);
        if at.take::<4>()? != MAGIC || bytes.len() > MAX_HEADER {
            return None;
        }
        let kind = match at.take::<1>()? {
            [0] => Kind::Command,
            [1] => Kind::Reactor,
            _ => return None,
        };
        let limits = Limits { memory: at.u64()?, output: at.u64()?, fuel: at.u64()? };
        let now = at.u64()?;
        let handler = at.short()?;
        let mut arguments = Vec::new();
        for _ in 0..at.count(MAX_ARGUMENTS)? {
            arguments.push(at.short()?);
        }
        let module = at.u32()?;
        let mut files = Vec::new();
        for _ in 0..at.count(MAX_FILES)? {
            files.push((at.short()?, at.u32()?));
        }
        let input = at.u64()?;
        at.0.is_empty().then_some(Self { kind, limits, now, handler, arguments, module, files, input })
    }
}

fn put_short(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

fn put_count(out: &mut Vec<u8>, count: usize, most: usize) -> Option<()> {
    let count = u16::try_from(count).ok().filter(|_| count <= most)?;
    out.extend_from_slice(&count.to_be_bytes());
    Some(())
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn count(&mut self, most: usize) -> Option<usize> {
        self.take().map(u16::from_be_bytes).map(usize::from).filter(|n| *n <= most)
    }

    fn short(&mut self) -> Option<Vec<u8>> {
        let length = self.take().map(u16::from_be_bytes).map(usize::from)?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Header {
        Header {
            kind: Kind::Reactor,
            limits: Limits { memory: 1 << 28, output: 1 << 26, fuel: u64::MAX },
            now: 1_700_000_000_000,
            handler: b"redact".to_vec(),
            arguments: [b"-v".to_vec(), Vec::new()].into(),
            module: 9,
            files: [(b"data/x".to_vec(), 3)].into(),
            input: 1 << 28,
        }
    }

    #[test]
    fn both_ways() {
        let bytes = example().to_bytes().unwrap();
        assert_eq!(usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap(), bytes.len() - 4);
        assert_eq!(Header::from_bytes(&bytes[4..]), Some(example()));
    }

    #[test]
    fn every_truncation_and_one_byte_more_is_none() {
        let mut bytes = example().to_bytes().unwrap();
        for end in 4..bytes.len() {
            assert_eq!(Header::from_bytes(&bytes[4..end]), None);
        }
        bytes.push(0);
        assert_eq!(Header::from_bytes(&bytes[4..]), None);
    }

    #[test]
    fn address_space_counts_every_part_and_never_wraps() {
        let mut header = example();
        let before = header.address_space();
        header.files.push((b"data/y".to_vec(), 5));
        header.input += 7;
        assert_eq!(header.address_space(), before + 12);
        header.limits.memory = u64::MAX;
        header.input = u64::MAX;
        assert_eq!(header.address_space(), u64::MAX);
    }

    #[test]
    fn more_than_fits_is_none() {
        let mut long = example();
        long.handler = Vec::from([0; 70_000]);
        assert_eq!(long.to_bytes(), None);
        let mut many = example();
        many.arguments = (0..65).map(|_| Vec::new()).collect();
        assert_eq!(many.to_bytes(), None);
    }
}
