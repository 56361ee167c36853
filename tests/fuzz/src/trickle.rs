//! A connection whose bytes arrive in small pieces.

use enclave_core::TransportError;
use enclave_core::encoding::Channel;
use enclave_core::platform::Connection;

/// Delivers fixed bytes, a few per read, then end of stream. It keeps what is written to it.
pub struct Trickle<'a> {
    /// The bytes that were not read yet.
    pub unread: &'a [u8],
    /// The bytes that were written.
    pub written: Vec<u8>,
    piece: usize,
}

impl<'a> Trickle<'a> {
    /// Delivers `bytes` with at most `piece` bytes per read; 0 means 1.
    pub fn new(bytes: &'a [u8], piece: u8) -> Self {
        Self { unread: bytes, written: Vec::new(), piece: usize::from(piece).max(1) }
    }
}

impl Channel for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let (given, unread) = self.unread.split_at(buffer.len().min(self.piece).min(self.unread.len()));
        buffer[..given.len()].copy_from_slice(given);
        self.unread = unread;
        Ok(given.len())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.written.extend_from_slice(bytes);
        Ok(())
    }
}

impl Connection for Trickle<'_> {
    fn export(&self, _label: &str, _context: &[u8]) -> Result<[u8; 32], TransportError> {
        Ok([8; 32])
    }
}
