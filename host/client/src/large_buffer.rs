//! Memory for data that may be as large as an enclave's largest input.

use memmap2::{Advice, MmapMut};
use std::io;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroize as _;

/// The least capacity, in bytes.
const LEAST: usize = 64 << 10;
/// The size of a huge page of x86-64, in bytes.
const HUGE_PAGE: usize = 2 << 20;

/// Bytes in pages of their own, which are zeroized when dropped.
///
/// The kernel is asked for huge pages. A vector of 64 MiB costs 16,384 page faults when it is filled, which take longer than
/// its SHA-256; in huge pages they are 32. If the kernel has none, this is memory like any other. Capacity that is not used
/// is not in memory.
pub struct LargeBuffer {
    pages: MmapMut,
    length: usize,
    /// How many bytes were ever used. Only they are zeroized, because to touch the others would make pages for them.
    touched: usize,
}

impl LargeBuffer {
    /// An empty buffer with room for `bytes`.
    ///
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`].
    pub fn with_capacity(bytes: usize) -> io::Result<Self> {
        let pages = MmapMut::map_anon(bytes.max(LEAST))?;
        if bytes >= HUGE_PAGE {
            // It is advice. A kernel without huge pages refuses it.
            let _ = pages.advise(Advice::HugePage);
        }
        Ok(Self { pages, length: 0, touched: 0 })
    }

    /// The room behind the bytes, which is never empty. If none is left, the bytes move to a buffer of twice the size, and
    /// both exist for a moment.
    ///
    /// # Errors
    /// As [`LargeBuffer::with_capacity`].
    pub fn room(&mut self) -> io::Result<&mut [u8]> {
        if self.length == self.pages.len() {
            let mut larger = Self::with_capacity(self.length.saturating_mul(2))?;
            larger.append(self)?;
            *self = larger;
        }
        Ok(self.pages.get_mut(self.length..).unwrap_or_default())
    }

    /// Takes the first `count` bytes of the room, which were written.
    pub fn advance(&mut self, count: usize) {
        self.length = self.length.saturating_add(count).min(self.pages.len());
        self.touched = self.touched.max(self.length);
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// As [`LargeBuffer::with_capacity`].
    pub fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let (now, rest) = bytes.split_at(room.len().min(bytes.len()));
            if let Some(room) = room.get_mut(..now.len()) {
                room.copy_from_slice(now);
            }
            self.advance(now.len());
            bytes = rest;
        }
        Ok(())
    }

    /// Forgets the bytes from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl Drop for LargeBuffer {
    fn drop(&mut self) {
        self.pages.get_mut(..self.touched).unwrap_or_default().zeroize();
    }
}

impl Deref for LargeBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.pages.get(..self.length).unwrap_or_default()
    }
}

impl DerefMut for LargeBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.pages.get_mut(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps_its_bytes() {
        let mut buffer = LargeBuffer::with_capacity(0).unwrap();
        let bytes: Vec<u8> = (0..3 * LEAST + 5).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for part in bytes.chunks(LEAST / 2 + 1) {
            buffer.append(part).unwrap();
        }
        assert_eq!(buffer.len(), bytes.len());
        assert!(buffer[..] == bytes[..]);
        assert!(!buffer.room().unwrap().is_empty());
        buffer.truncate(3);
        buffer.truncate(5);
        assert_eq!(buffer[..], bytes[..3]);
        // What was forgotten is zeroized too.
        assert_eq!(buffer.touched, bytes.len());
    }
}
