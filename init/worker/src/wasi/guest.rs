//! The function's memory, as the worker's calls access it. Every address is checked.

use std::ops::Range;

use super::numbers::Errno;

/// The most vectors of one call, as Linux's `IOV_MAX`.
const MAX_VECTORS: u32 = 1024;
/// The longest path in bytes, as Linux's `PATH_MAX`.
const MAX_PATH: u32 = 4096;

// Addresses and lengths have 32 bits, so the sum of two does not overflow a `usize`.
const _: () = assert!(usize::BITS >= 64);

/// The range of `length` bytes at the address `at`. It may be outside the memory.
pub fn range(at: u32, length: u32) -> Range<usize> {
    let start = at as usize;
    start..start + length as usize
}

/// The function's memory during one call.
pub struct Guest<'a>(&'a mut [u8]);

impl<'a> Guest<'a> {
    /// Wraps the whole memory.
    pub fn new(memory: &'a mut [u8]) -> Self {
        Self(memory)
    }

    /// Reads `length` bytes at the address `at`.
    ///
    /// # Errors
    ///
    /// [`Errno::Fault`] if they are not all inside the memory.
    pub fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        self.0.get(range(at, length)).ok_or(Errno::Fault)
    }

    /// Gives access to `length` bytes at the address `at`, for writing.
    ///
    /// # Errors
    ///
    /// [`Errno::Fault`] if they are not all inside the memory.
    pub fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        self.0.get_mut(range(at, length)).ok_or(Errno::Fault)
    }

    /// Writes `N` bytes: all or none.
    ///
    /// # Errors
    ///
    /// [`Errno::Fault`] if they are not all inside the memory.
    pub fn put<const N: usize>(&mut self, at: u32, bytes: [u8; N]) -> Result<(), Errno> {
        let start = at as usize;
        *self.0.get_mut(start..).and_then(|rest| rest.first_chunk_mut()).ok_or(Errno::Fault)? = bytes;
        Ok(())
    }

    /// Reads a path.
    ///
    /// # Errors
    ///
    /// [`Errno::Nametoolong`] if it is longer than [`MAX_PATH`], [`Errno::Fault`] if it is outside the memory.
    pub fn path(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        if length > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        self.bytes(at, length)
    }

    /// Reads the vectors of a scattered read or write: the address and the length of each. Each vector is inside the
    /// memory. Vectors may overlap.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`] if there are more than [`MAX_VECTORS`], [`Errno::Fault`] if the list or a vector is outside the
    /// memory.
    pub fn vectors(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        if count > MAX_VECTORS {
            return Err(Errno::Inval);
        }
        let mut vectors = Vec::new();
        for vector in self.bytes(at, count * 8)?.chunks_exact(8) {
            let (at, length) = (word(vector, 0), word(vector, 4));
            self.bytes(at, length)?;
            vectors.push((at, length));
        }
        Ok(vectors)
    }
}

/// Reads the little-endian `u32` at offset `at` of a structure. Returns 0 beyond its end.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word))
}

/// Reads the little-endian `u64` at offset `at` of a structure. Returns 0 beyond its end.
pub fn double_word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = u32> {
        prop_oneof![0..80_u32, (u32::MAX - 80)..=u32::MAX, any::<u32>()]
    }

    proptest! {
        /// Compares with arithmetic in 128 bits.
        #[test]
        fn accepts_a_range_if_and_only_if_it_is_inside(size in 0..64_usize, at in address(), length in address()) {
            let mut memory = vec![7; size];
            let mut guest = Guest::new(&mut memory);
            let inside = u128::from(at) + u128::from(length) <= size as u128;
            prop_assert_eq!(guest.bytes(at, length).is_ok(), inside);
            prop_assert_eq!(guest.bytes_mut(at, length).is_ok(), inside);
            let fits = u128::from(at) + 8 <= size as u128;
            prop_assert_eq!(guest.put(at, [1; 8]).is_ok(), fits);
            let written = memory.iter().filter(|byte| **byte == 1).count();
            prop_assert_eq!(written, if fits { 8 } else { 0 });
        }

        #[test]
        fn accepted_vectors_are_inside(memory in proptest::collection::vec(any::<u8>(), 0..96), at in address(), count in address()) {
            let mut copy = memory.clone();
            let guest = Guest::new(&mut copy);
            if let Ok(vectors) = guest.vectors(at, count) {
                prop_assert_eq!(vectors.len(), count as usize);
                for (at, length) in vectors {
                    prop_assert!(u64::from(at) + u64::from(length) <= memory.len() as u64);
                }
            }
        }
    }

    #[test]
    fn rejects_too_many_vectors_and_too_long_paths() {
        let mut memory = vec![0; 100_000];
        let guest = Guest::new(&mut memory);
        assert_eq!(guest.vectors(0, 1024).unwrap().len(), 1024);
        assert_eq!(guest.vectors(0, 1025), Err(Errno::Inval));
        assert_eq!(guest.vectors(0, u32::MAX), Err(Errno::Inval));
        assert!(guest.path(0, 4096).is_ok());
        assert_eq!(guest.path(0, 4097), Err(Errno::Nametoolong));
    }

    #[test]
    fn reads_little_endian_fields() {
        assert_eq!(word(&[1, 2, 0, 0, 5], 0), 0x201);
        assert_eq!(word(&[1, 2, 0, 0, 5], 2), 0);
        assert_eq!(double_word(&[0, 1, 0, 0, 0, 0, 0, 0, 0], 1), 1);
    }
}
