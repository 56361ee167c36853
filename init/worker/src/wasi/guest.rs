//! The function's memory, as its calls reach it: every address is checked, none is trusted.

use std::ops::Range;

use super::abi::Errno;

/// The most vectors of one call (Linux' `IOV_MAX`).
const MAX_VECTORS: u32 = 1024;
/// The longest path, in bytes (Linux' `PATH_MAX`).
const MAX_PATH: u32 = 4096;

// Sums of two 32-bit numbers, which is all that addresses are, do not overflow.
const _: () = assert!(usize::BITS >= 64);

/// The bytes at an address; they may lie outside any memory.
pub fn range(at: u32, length: u32) -> Range<usize> {
    let start = at as usize;
    start..start + length as usize
}

/// The memory of a function during one call.
pub struct Guest<'a>(&'a mut [u8]);

impl<'a> Guest<'a> {
    /// The memory, whole.
    pub fn new(memory: &'a mut [u8]) -> Self {
        Self(memory)
    }

    /// The bytes at an address.
    pub fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        self.0.get(range(at, length)).ok_or(Errno::Fault)
    }

    /// The bytes at an address, to be written.
    pub fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        self.0.get_mut(range(at, length)).ok_or(Errno::Fault)
    }

    /// Writes `N` bytes, all or none.
    pub fn put<const N: usize>(&mut self, at: u32, bytes: [u8; N]) -> Result<(), Errno> {
        let start = at as usize;
        *self.0.get_mut(start..).and_then(|rest| rest.first_chunk_mut()).ok_or(Errno::Fault)? = bytes;
        Ok(())
    }

    /// A path.
    pub fn path(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        if length > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        self.bytes(at, length)
    }

    /// Address and length of each vector of a scattered read or write. Each lies in the memory; they may overlap.
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

/// The little-endian word at `at` of a structure; 0 beyond its end.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word))
}

/// The same for eight bytes.
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
        /// Against arithmetic in 128 bits: in is in, out is out, nothing panics.
        #[test]
        fn in_is_in_and_out_is_out(size in 0..64_usize, at in address(), length in address()) {
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

        /// Whatever a vector list holds: either it is refused, or each of its vectors lies inside.
        #[test]
        fn vectors_lie_inside(memory in proptest::collection::vec(any::<u8>(), 0..96), at in address(), count in address()) {
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
    fn limits_of_one_call() {
        let mut memory = vec![0; 100_000];
        let guest = Guest::new(&mut memory);
        assert_eq!(guest.vectors(0, 1024).unwrap().len(), 1024);
        assert_eq!(guest.vectors(0, 1025), Err(Errno::Inval));
        assert_eq!(guest.vectors(0, u32::MAX), Err(Errno::Inval));
        assert!(guest.path(0, 4096).is_ok());
        assert_eq!(guest.path(0, 4097), Err(Errno::Nametoolong));
    }

    #[test]
    fn fields_of_a_structure() {
        assert_eq!(word(&[1, 2, 0, 0, 5], 0), 0x201);
        assert_eq!(word(&[1, 2, 0, 0, 5], 2), 0);
        assert_eq!(double_word(&[0, 1, 0, 0, 0, 0, 0, 0, 0], 1), 1);
    }
}
