//! Reading the integers of a header, and parts of a file, without a read beyond the end.

use crate::error::Error;
use crate::layout::SLOTS;

/// A reader of big-endian integers.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let size = self.rest.len() as u64;
        let (head, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated { needed: N as u64, size })?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    pub(crate) fn slots(&mut self) -> Result<[u64; SLOTS], Error> {
        let mut slots = [0; SLOTS];
        for slot in &mut slots {
            *slot = self.u64()?;
        }
        Ok(slots)
    }
}

/// `size` bytes of the file from `at` on. A sum above 2^64 counts as beyond the end.
pub(crate) fn slice(file: &[u8], at: u64, size: u64) -> Result<&[u8], Error> {
    let end = at.saturating_add(size);
    let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
    range.and_then(|(at, end)| file.get(at..end)).ok_or(Error::Truncated { needed: end, size: file.len() as u64 })
}
