//! Core → worker: the job. Its lengths come first; nothing is allocated beyond what the header says, and what it
//! says is bounded.

use std::io::Read;

use capelet_abi::job::{Header, MAX_HEADER};

use crate::error::Error;
use crate::wasi::tree::Tree;

/// The most bytes of module, files and input together. The core's own limits are lower; this one bounds what a
/// damaged header can ask for.
const MAX_BYTES: u64 = 1 << 30;

/// A job, whole.
#[derive(Debug)]
pub struct Job {
    /// What to do with the rest.
    pub header: Header,
    /// The function's module.
    pub module: Vec<u8>,
    /// Its files.
    pub files: Tree,
    /// Its input.
    pub input: Vec<u8>,
}

/// Reads the header.
pub fn header(from: &mut impl Read) -> Result<Header, Error> {
    let length = exact(from, 4)?;
    let length = u32::from_be_bytes(length.try_into().map_err(|_| Error::Truncated)?);
    if usize::try_from(length).map_or(true, |length| length > MAX_HEADER) {
        return Err(Error::Job);
    }
    let header = Header::from_bytes(&exact(from, length.into())?).ok_or(Error::Job)?;
    let files = header.files.iter().map(|(_, length)| u64::from(*length)).sum::<u64>();
    let bytes = header.input.checked_add(files).and_then(|n| n.checked_add(header.module.into()));
    bytes.filter(|n| *n <= MAX_BYTES).ok_or(Error::Job)?;
    Ok(header)
}

/// Reads what the header announced.
pub fn job(header: Header, from: &mut impl Read) -> Result<Job, Error> {
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
    use capelet_abi::job::{Kind, Limits};

    fn example() -> Vec<u8> {
        let header = Header {
            kind: Kind::Command,
            limits: Limits { memory: 1 << 20, output: 1 << 20, fuel: 1 << 20 },
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
        let header = header(&mut bytes)?;
        job(header, &mut bytes)
    }

    #[test]
    fn a_job_is_read_whole() {
        let job = read(&example()).unwrap();
        assert_eq!(job.module, b"mod");
        assert_eq!(job.input, b"inpu");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = example();
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]).err(), Some(Error::Truncated), "{end}");
        }
    }

    #[test]
    fn what_claims_too_much_is_refused_before_it_is_allocated() {
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
