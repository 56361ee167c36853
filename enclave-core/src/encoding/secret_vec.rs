//! Secret bytes of any length: bodies, contents, outputs.

use crate::Error;
use crate::encoding::allocate::allocate;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};
use zeroize::Zeroize as _;

/// Bytes that are zeroized when dropped: each byte of the capacity once, which matters at 64 MiB. (`Zeroizing<Vec<u8>>`
/// writes the length, and then the capacity again.)
///
/// A vector that grows beyond its capacity leaves a copy of its bytes behind. The caller must check the capacity before it appends.
#[derive(Default, PartialEq, Eq)]
pub struct SecretVec(pub Vec<u8>);

impl SecretVec {
    /// An empty vector with room for `bytes`.
    ///
    /// # Errors
    /// As [`allocate`].
    pub fn with_capacity(bytes: usize) -> Result<Self, Error> {
        allocate(bytes).map(Self)
    }
}

impl Drop for SecretVec {
    fn drop(&mut self) {
        // What is not in use is wiped as capacity.
        self.0.clear();
        self.0.zeroize();
    }
}

impl Deref for SecretVec {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for SecretVec {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

redacted!(SecretVec);
