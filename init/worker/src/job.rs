//! The job that the core sends. Its header states every length, and the lengths are limited. The worker allocates no
//! more than the header states.

use std::io::Read;

use capelet_abi::{JobHeader, MAX_JOB_HEADER};

use crate::error::Error;
use crate::wasi::tree::Tree;

/// The most bytes of module, files and input together. The core's own limits are lower. This limit bounds the
/// allocations for a damaged header.
const MAX_BYTES: u64 = 1 << 30;

/// A complete job.
#[derive(Debug)]
pub struct Job {
    /// How to run the module.
    pub header: JobHeader,
    /// The function's module.
    pub module: Vec<u8>,
    /// Its files.
    pub files: Tree,
    /// Its input.
    pub input: Vec<u8>,
}

/// Reads the header.
///
/// # Errors
///
/// [`Error::Truncated`] if the stream ends early. [`Error::Job`] if the header is invalid, or states more than
/// [`MAX_BYTES`]. [`Error::Memory`] if it cannot be allocated. [`Error::Socket`] if reading fails.
pub fn read_header(from: &mut impl Read) -> Result<JobHeader, Error> {
    let length = exact(from, 4)?;
    let length = u32::from_be_bytes(length.try_into().map_err(|_| Error::Truncated)?);
    if usize::try_from(length).map_or(true, |length| length > MAX_JOB_HEADER) {
        return Err(Error::Job);
    }
    let header = JobHeader::from_bytes(&exact(from, length.into())?).ok_or(Error::Job)?;
    let files = header.files.iter().map(|(_, length)| u64::from(*length)).sum::<u64>();
    let bytes = header.input.checked_add(files).and_then(|n| n.checked_add(header.module.into()));
    bytes.filter(|n| *n <= MAX_BYTES).ok_or(Error::Job)?;
    Ok(header)
}

/// Reads module, files and input, whose lengths the header states.
///
/// # Errors
///
/// [`Error::Truncated`] if the stream ends early. [`Error::Job`] if a path is invalid or occurs twice.
/// [`Error::Memory`] if the bytes cannot be allocated. [`Error::Socket`] if reading fails.
pub fn read_job(header: JobHeader, from: &mut impl Read) -> Result<Job, Error> {
    let module = exact(from, header.module.into())?;
    let mut files = Tree::default();
    for (path, length) in &header.files {
        files.insert(path, exact(from, (*length).into())?).ok_or(Error::Job)?;
    }
    let input = exact(from, header.input)?;
    Ok(Job { header, module, files, input })
}

fn exact(from: &mut impl Read, length: u64) -> Result<Vec<u8>, Error> {
    let expected = usize::try_from(length).map_err(|_| Error::Job)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(expected).map_err(|_| Error::Memory)?;
    from.take(length).read_to_end(&mut bytes).map_err(|_| Error::Socket)?;
    if bytes.len() == expected { Ok(bytes) } else { Err(Error::Truncated) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_abi::{EntryPoint, JobLimits};
    use capelet_hostile_bytes::truncations;

    fn example() -> Vec<u8> {
        let header = JobHeader {
            entry_point: EntryPoint::Command,
            limits: JobLimits { memory: 1 << 20, output: 1 << 20, fuel: 1 << 20 },
            now: 0,
            handler: Vec::new(),
            arguments: Vec::new(),
            module: 3,
            files: vec![(b"a/b".to_vec(), 2), (b"c".to_vec(), 0)],
            input: 4,
        };
        [header.to_bytes().unwrap(), b"modfiinpu".to_vec()].concat()
    }

    fn read(mut bytes: &[u8]) -> Result<Job, Error> {
        let header = read_header(&mut bytes)?;
        read_job(header, &mut bytes)
    }

    #[test]
    fn reads_a_job() {
        let job = read(&example()).unwrap();
        assert_eq!(job.module, b"mod");
        assert_eq!(job.input, b"inpu");
    }

    #[test]
    fn rejects_every_truncation() {
        for truncated in truncations(&example()) {
            assert_eq!(read(truncated).err(), Some(Error::Truncated), "{} bytes", truncated.len());
        }
    }

    #[test]
    fn rejects_excessive_lengths_before_allocating() {
        let mut long = example();
        long[..4].copy_from_slice(&(1_u32 << 20 | 1).to_be_bytes());
        assert_eq!(read(&long).err(), Some(Error::Job));
        let mut huge = example();
        let at = huge.len() - 9 - 8;
        huge[at..at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(read(&huge).err(), Some(Error::Job));
        let mut magic = example();
        magic[4] ^= 1;
        assert_eq!(read(&magic).err(), Some(Error::Job));
    }
}
