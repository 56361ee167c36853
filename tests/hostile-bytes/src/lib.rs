//! Every variant of valid bytes that differs from them in one defined way, for the tests of parsers.
//!
//! A test that walks through [`bit_flips`] shows that no single bit can change unnoticed. [`byte_flips`] makes an eighth
//! of the variants, for parsers that are slow. [`truncations`] are the bytes that remain when a connection or a file
//! ends early.
//!
//! ```
//! use capelet_hostile_bytes::{bit_flips, truncations};
//!
//! fn parse(bytes: &[u8]) -> Option<u8> {
//!     match bytes {
//!         [b'C', value, check] if *check == !value => Some(*value),
//!         _ => None,
//!     }
//! }
//!
//! let valid = [b'C', 7, !7];
//! for flip in bit_flips(&valid) {
//!     assert_eq!(parse(&flip.bytes), None, "{flip}");
//! }
//! for truncated in truncations(&valid) {
//!     assert_eq!(parse(truncated), None, "{} bytes", truncated.len());
//! }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::fmt;

/// Bytes of which one was changed. It is printed as its position and the changed bits, for a test's failure message.
pub struct Flip {
    /// The position of the changed byte.
    pub at: usize,
    /// The bits of this byte that were flipped.
    pub mask: u8,
    /// All bytes, with the change.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} with {:#04x} flipped", self.at, self.mask)
    }
}

/// The variants of `bytes` in which one bit is flipped, bit 0 of each byte first.
pub fn bit_flips(bytes: &[u8]) -> impl Iterator<Item = Flip> {
    (0..bytes.len()).flat_map(move |at| (0..8).map(move |bit| flip(bytes, at, 1 << bit)))
}

/// The variants of `bytes` in which the bits of `mask` are flipped in one byte. The mask must not be zero.
pub fn byte_flips(bytes: &[u8], mask: u8) -> impl Iterator<Item = Flip> {
    (0..bytes.len()).map(move |at| flip(bytes, at, mask))
}

/// Every proper prefix of `bytes`, the empty one first.
pub fn truncations(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..bytes.len()).filter_map(|length| bytes.get(..length))
}

fn flip(bytes: &[u8], at: usize, mask: u8) -> Flip {
    // With a mask of zero a test would compare the valid bytes with themselves.
    assert_ne!(mask, 0, "the mask flips no bit");
    let flipped = bytes.iter().enumerate().map(|(position, byte)| if position == at { byte ^ mask } else { *byte });
    Flip { at, mask, bytes: flipped.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn flips_each_bit_once() {
        let flips: Vec<Flip> = bit_flips(&[0, 0xff]).collect();
        let distinct: BTreeSet<&[u8]> = flips.iter().map(|flip| flip.bytes.as_slice()).collect();
        assert_eq!((flips.len(), distinct.len()), (16, 16));
        for flip in &flips {
            let changed: u32 =
                flip.bytes.iter().zip([0, 0xff]).map(|(found, valid)| (found ^ valid).count_ones()).sum();
            assert_eq!(changed, 1, "{flip}");
        }
        assert_eq!(flips[9].bytes, [0, 0xfd]);
        assert_eq!(flips[9].to_string(), "byte 1 with 0x02 flipped");
    }

    #[test]
    fn flips_each_byte_once() {
        let flipped: Vec<Vec<u8>> = byte_flips(b"ab", 0x20).map(|flip| flip.bytes).collect();
        assert_eq!(flipped, [b"Ab", b"aB"]);
    }

    #[test]
    fn truncates_at_each_length_below_the_whole() {
        assert_eq!(truncations(b"abc").collect::<Vec<_>>(), [&b""[..], b"a", b"ab"]);
        assert_eq!(truncations(b"").count(), 0);
    }
}
