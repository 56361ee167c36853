//! Memory whose size somebody else announced.

use crate::Error;
use alloc::vec::Vec;

/// An empty vector with room for `bytes`, so that it does not grow and leave copies of a secret behind.
///
/// # Errors
/// [`Error::Busy`] if there is not enough memory. An ordinary allocation would end the process.
pub fn allocate(bytes: usize) -> Result<Vec<u8>, Error> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(bytes).map_err(|_| Error::BUSY)?;
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_busy_and_not_the_end_of_the_process() {
        assert_eq!(allocate(usize::MAX / 2).err(), Some(Error::BUSY));
        assert!(allocate(10).is_ok_and(|vector| vector.capacity() >= 10));
    }
}
