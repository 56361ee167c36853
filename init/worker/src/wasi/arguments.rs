//! Calls about the arguments, and about the environment, which is always empty.

use super::guest::Guest;
use super::numbers::Errno;
use super::{CallResult, Wasi};

impl Wasi {
    pub(super) fn args_sizes_get(&mut self, guest: &mut Guest<'_>, count: u32, size: u32) -> CallResult {
        let bytes: usize = self.arguments.iter().map(|argument| argument.len() + 1).sum();
        guest.put(count, number(self.arguments.len())?.to_le_bytes())?;
        Ok(guest.put(size, number(bytes)?.to_le_bytes())?)
    }

    /// Writes each argument with a NUL at its end, and its address into the list of pointers.
    pub(super) fn args_get(&mut self, guest: &mut Guest<'_>, mut pointers: u32, mut bytes: u32) -> CallResult {
        for argument in &self.arguments {
            guest.put(pointers, bytes.to_le_bytes())?;
            let length = number(argument.len())?;
            guest.bytes_mut(bytes, length)?.copy_from_slice(argument);
            let end = bytes.checked_add(length).ok_or(Errno::Fault)?;
            guest.put(end, [0])?;
            bytes = end.checked_add(1).ok_or(Errno::Fault)?;
            pointers = pointers.checked_add(4).ok_or(Errno::Fault)?;
        }
        Ok(())
    }

    pub(super) fn environ_sizes_get(&mut self, guest: &mut Guest<'_>, count: u32, size: u32) -> CallResult {
        guest.put(count, [0; 4])?;
        Ok(guest.put(size, [0; 4])?)
    }

    pub(super) fn environ_get(&mut self, _: &mut Guest<'_>, _pointers: u32, _bytes: u32) -> CallResult {
        Ok(())
    }
}

fn number(length: usize) -> Result<u32, Errno> {
    u32::try_from(length).map_err(|_| Errno::Overflow)
}
