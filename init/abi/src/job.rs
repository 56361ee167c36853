//! The job: what the core sends to a worker. A header states every length; then come the module, the files in the
//! header's order, and the input.

use alloc::vec::Vec;

/// The longest encoded [`JobHeader`] in bytes, without the four bytes of its length. The worker rejects a longer one.
pub const MAX_JOB_HEADER: usize = 1 << 20;
/// The highest number of arguments of one job. Clients and the core reject a bundle with more.
pub const MAX_ARGUMENTS: usize = 64;
/// The highest number of files of a bundle. Clients and the core reject a bundle with more.
pub const MAX_FILES: usize = 4096;
/// The highest number of inputs of one run. All but the first are files of the job, beside the bundle's.
pub const MAX_INPUTS: usize = 64;

/// The folder of a run's inputs. A bundle must not contain it. The worker puts a command's first input there, as the
/// file `0`. The core adds the further inputs as files `1`, `2` and so on.
pub const INPUT_FOLDER: &str = "input";

const MAGIC: [u8; 4] = *b"CPJ1";

/// How the worker calls a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// A WASI command: the worker calls `_start`. The function reads its input from stdin and writes its result to
    /// stdout.
    Command,
    /// A reactor: the worker calls `_initialize` once, then the handler. The handler receives the input and returns
    /// the result.
    Reactor,
}

/// The limits that the worker enforces on a run. PID 1 enforces the time limit, see [`Spawn`](crate::Spawn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// The largest WebAssembly memory, in bytes.
    pub memory: u64,
    /// The longest result, in bytes.
    pub output: u64,
    /// wasmi's fuel. It is far more than a run needs: it ends a run if the time limit fails to.
    pub fuel: u64,
}

/// The header of a job.
///
/// Encoding: u32be length ‖ magic ‖ entry point ‖ memory, output, fuel and time (u64be each) ‖ handler ‖ arguments ‖
/// module length (u32be) ‖ files ‖ input length (u64be). A list begins with its count (u16be). A string begins with its
/// length (u16be). A file is its path and its length (u32be).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobHeader {
    /// How the worker calls the function.
    pub entry_point: EntryPoint,
    /// The limits of the run.
    pub limits: JobLimits,
    /// The time at the start of the run, in milliseconds since 1970, by the core's clock. The worker does not use the
    /// machine's wall clock, because the parent controls it.
    pub now: u64,
    /// The name of a reactor's handler. A command has none: the field is empty.
    pub handler: Vec<u8>,
    /// The arguments, without the program's name.
    pub arguments: Vec<Vec<u8>>,
    /// Length of the module, in bytes.
    pub module: u32,
    /// Path and length in bytes of each read-only file. A path is relative, its parts are joined by `/`. No part is
    /// empty, `.` or `..`, and no part contains a NUL. A file must not be a directory of another file's path. In a
    /// command's job, no file is `0` in [`INPUT_FOLDER`].
    pub files: Vec<(Vec<u8>, u32)>,
    /// Length of the input, in bytes.
    pub input: u64,
}

/// The memory of a worker beyond its data and its WebAssembly memory, in bytes: program, heap, stack.
const WORKER: u64 = 16 << 20;

/// How much memory a worker uses, in bytes, with this limit of WebAssembly memory, a module of this length, and `data`
/// bytes of files and input. The core reserves it before the run starts. A function that has broken the interpreter may
/// use the whole [address space](JobHeader::address_space); then the kernel ends a worker, never the core.
pub fn worker_memory(limit: u64, module: usize, data: usize) -> u64 {
    let module = (module as u64).saturating_mul(MODULE);
    WORKER.saturating_add(limit).saturating_add(module).saturating_add(data as u64)
}

/// How many times a module's length the worker needs: it holds both its bytes and their larger translation.
const MODULE: u64 = 8;
/// The address space of a worker beyond module, files, input and WebAssembly memory, in bytes.
const OVERHEAD: u64 = 96 << 20;

impl JobHeader {
    /// The address space that a worker for this job needs, in bytes. The core sends it in [`Spawn`](crate::Spawn), and
    /// the worker limits itself to it. WebAssembly memory counts twice, because it grows by doubling.
    pub fn address_space(&self) -> u64 {
        let files = self.files.iter().map(|(_, length)| u64::from(*length)).sum::<u64>();
        let memory = self.limits.memory.saturating_mul(2);
        let module = u64::from(self.module) * MODULE;
        OVERHEAD.saturating_add(memory).saturating_add(module).saturating_add(files).saturating_add(self.input)
    }

    /// Encodes the header, with its length in front. Returns `None` if a part is longer than its field or a list longer
    /// than its limit.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::from([0; 4]);
        out.extend_from_slice(&MAGIC);
        out.push(match self.entry_point {
            EntryPoint::Command => 0,
            EntryPoint::Reactor => 1,
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
        put_count(&mut out, self.files.len(), MAX_FILES + MAX_INPUTS - 1)?;
        for (path, length) in &self.files {
            put_short(&mut out, path)?;
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(&self.input.to_be_bytes());
        let length = out.len().checked_sub(4).filter(|n| *n <= MAX_JOB_HEADER)?;
        out.get_mut(..4)?.copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
        Some(out)
    }

    /// Parses the bytes after the length. Returns `None` if the header is invalid, truncated, too long, or followed by
    /// another byte.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut at = Cursor(bytes);
        if at.take::<4>()? != MAGIC || bytes.len() > MAX_JOB_HEADER {
            return None;
        }
        let entry_point = match at.take::<1>()? {
            [0] => EntryPoint::Command,
            [1] => EntryPoint::Reactor,
            _ => return None,
        };
        let limits = JobLimits { memory: at.u64()?, output: at.u64()?, fuel: at.u64()? };
        let now = at.u64()?;
        let handler = at.short()?;
        let mut arguments = Vec::new();
        for _ in 0..at.count(MAX_ARGUMENTS)? {
            arguments.push(at.short()?);
        }
        let module = at.u32()?;
        let mut files = Vec::new();
        for _ in 0..at.count(MAX_FILES + MAX_INPUTS - 1)? {
            files.push((at.short()?, at.u32()?));
        }
        let input = at.u64()?;
        at.0.is_empty().then_some(Self { entry_point, limits, now, handler, arguments, module, files, input })
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
    use capelet_hostile_bytes::truncations;

    fn example() -> JobHeader {
        JobHeader {
            entry_point: EntryPoint::Reactor,
            limits: JobLimits { memory: 1 << 28, output: 1 << 26, fuel: u64::MAX },
            now: 1_700_000_000_000,
            handler: b"redact".to_vec(),
            arguments: [b"-v".to_vec(), Vec::new()].into(),
            module: 9,
            files: [(b"data/x".to_vec(), 3)].into(),
            input: 1 << 28,
        }
    }

    #[test]
    fn decodes_what_it_encodes() {
        let bytes = example().to_bytes().unwrap();
        assert_eq!(usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap(), bytes.len() - 4);
        assert_eq!(JobHeader::from_bytes(&bytes[4..]), Some(example()));
    }

    #[test]
    fn rejects_every_truncation_and_a_trailing_byte() {
        let mut bytes = example().to_bytes().unwrap();
        for truncated in truncations(&bytes[4..]) {
            assert_eq!(JobHeader::from_bytes(truncated), None, "{} bytes", truncated.len());
        }
        bytes.push(0);
        assert_eq!(JobHeader::from_bytes(&bytes[4..]), None);
    }

    #[test]
    fn address_space_counts_every_part_and_saturates() {
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
    fn does_not_encode_what_exceeds_a_field_or_a_limit() {
        let mut long = example();
        long.handler = Vec::from([0; 70_000]);
        assert_eq!(long.to_bytes(), None);
        let mut many = example();
        many.arguments = (0..65).map(|_| Vec::new()).collect();
        assert_eq!(many.to_bytes(), None);
    }
}
