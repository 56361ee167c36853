//! The memory that sessions have reserved.

use crate::Error;

/// The most bytes that all sessions together may reserve: for bodies, stored objects, their contents, and outputs.
pub const MAX_RESERVED: u64 = 768 << 20;

/// How many bytes are reserved.
#[derive(Default)]
pub(crate) struct Memory(u64);

impl Memory {
    /// Reserves `bytes`.
    ///
    /// # Errors
    /// [`Error::Busy`] if more than [`MAX_RESERVED`] would be reserved.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), Error> {
        self.0 = self.0.checked_add(bytes).filter(|reserved| *reserved <= MAX_RESERVED).ok_or(Error::Busy)?;
        Ok(())
    }

    /// Gives `bytes` back.
    pub fn release(&mut self, bytes: u64) {
        self.0 = self.0.saturating_sub(bytes);
    }
}
