//! Strict reading and writing of deterministic CBOR (RFC 8949, 4.2.1).
//!
//! [`Reader::new`] walks the whole item first, so that what is read afterwards is known to be deterministic, within
//! the depth, complete and without anything behind it. AWS's documents have rules of their own (`document.rs`).

use crate::{Error, Part};
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// How deep items may lie within each other.
pub const MAX_DEPTH: u8 = 16;

/// The only tag that the protocol uses: COSE_Sign1 (RFC 9052, 2).
pub const TAG_SIGN1: u64 = 18;

const MALFORMED: Error = Error::Malformed(Part::Cbor);

/// Which keys a map may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Integers, and byte strings: only the halves of a request are named by ids.
    Any,
    /// Integers alone, at every depth.
    Integers,
}

/// Reads one checked item, strictly in order. Every method fails with the [`Part`] that the reader was made for.
pub struct Reader<'a> {
    decoder: Decoder<'a>,
    part: Part,
}

impl<'a> Reader<'a> {
    /// Checks that `bytes` are exactly one deterministic item, and reads it as a `part`.
    pub fn new(bytes: &'a [u8], part: Part) -> Result<Self, Error> {
        let end = walk(bytes, 0, 1, Keys::Any).map_err(|_| Error::Malformed(part))?;
        if end != bytes.len() {
            return Err(Error::Malformed(part));
        }
        Ok(Self { decoder: Decoder::new(bytes), part })
    }

    fn malformed<E>(&self) -> impl FnOnce(E) -> Error + use<E> {
        let part = self.part;
        move |_| Error::Malformed(part)
    }

    fn require(&self, holds: bool) -> Result<(), Error> {
        if holds { Ok(()) } else { Err(Error::Malformed(self.part)) }
    }

    /// How many entries the map that comes next has.
    pub fn any_map(&mut self) -> Result<u64, Error> {
        self.decoder.map().map_err(self.malformed())?.ok_or(Error::Malformed(self.part))
    }

    /// How many items the array that comes next has.
    pub fn any_array(&mut self) -> Result<u64, Error> {
        self.decoder.array().map_err(self.malformed())?.ok_or(Error::Malformed(self.part))
    }

    /// A map of exactly `entries` entries.
    pub fn map(&mut self, entries: u64) -> Result<(), Error> {
        let found = self.any_map()?;
        self.require(found == entries)
    }

    /// An array of exactly `items` items.
    pub fn array(&mut self, items: u64) -> Result<(), Error> {
        let found = self.any_array()?;
        self.require(found == items)
    }

    /// The tag `tag`.
    pub fn tag(&mut self, tag: u64) -> Result<(), Error> {
        let found = self.decoder.tag().map_err(self.malformed())?;
        self.require(found.as_u64() == tag)
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, Error> {
        self.decoder.u64().map_err(self.malformed())
    }

    /// A negative or unsigned integer of 64 bits.
    pub fn int(&mut self) -> Result<i64, Error> {
        self.decoder.i64().map_err(self.malformed())
    }

    /// The key `key`.
    pub fn key(&mut self, key: u64) -> Result<(), Error> {
        let found = self.uint()?;
        self.require(found == key)
    }

    /// A byte string of `least..=most` bytes.
    pub fn bytes(&mut self, least: usize, most: usize) -> Result<&'a [u8], Error> {
        let found = self.decoder.bytes().map_err(self.malformed())?;
        self.require((least..=most).contains(&found.len()))?;
        Ok(found)
    }

    /// A byte string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.bytes(N, N)?.try_into().map_err(self.malformed())
    }

    /// A text of `least..=most` bytes of UTF-8.
    pub fn text(&mut self, least: usize, most: usize) -> Result<&'a str, Error> {
        let found = self.decoder.str().map_err(self.malformed())?;
        self.require((least..=most).contains(&found.len()))?;
        Ok(found)
    }

    /// Exactly the text `text`.
    pub fn literal(&mut self, text: &str) -> Result<(), Error> {
        let found = self.text(text.len(), text.len())?;
        self.require(found == text)
    }

    /// A boolean.
    pub fn bool(&mut self) -> Result<bool, Error> {
        self.decoder.bool().map_err(self.malformed())
    }

    /// Null, which is consumed, or whatever `read` reads.
    pub fn nullable<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<Option<T>, Error> {
        if self.peek()? == Type::Null {
            self.decoder.null().map_err(self.malformed())?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// The type of what comes next.
    pub fn peek(&self) -> Result<Type, Error> {
        self.decoder.datatype().map_err(self.malformed())
    }

    /// Whether everything was read.
    pub fn at_end(&self) -> bool {
        self.decoder.position() == self.decoder.input().len()
    }

    /// The next item, whatever it is, as its own bytes.
    pub fn item(&mut self) -> Result<&'a [u8], Error> {
        let start = self.decoder.position();
        self.decoder.skip().map_err(self.malformed())?;
        self.decoder.input().get(start..self.decoder.position()).ok_or(Error::Malformed(self.part))
    }

    /// Everything was read.
    pub fn end(self) -> Result<(), Error> {
        self.require(self.at_end())
    }
}

/// Checks that `bytes` are one deterministic item in which every map key is an integer.
pub fn check_integer_keys(bytes: &[u8]) -> Result<(), Error> {
    let end = walk(bytes, 0, 1, Keys::Integers)?;
    if end == bytes.len() { Ok(()) } else { Err(MALFORMED) }
}

/// The head at `at`: major type, argument, and where the head ends. Only the shortest form is accepted.
pub(crate) fn head(bytes: &[u8], at: usize) -> Result<(u8, u64, usize), Error> {
    let first = *bytes.get(at).ok_or(MALFORMED)?;
    let (major, low) = (first >> 5, first & 0x1f);
    let width = match low {
        0..=23 => return Ok((major, u64::from(low), at + 1)),
        24..=27 => 1usize << (low - 24),
        _ => return Err(MALFORMED),
    };
    let end = at + 1 + width;
    let argument = bytes.get(at + 1..end).ok_or(MALFORMED)?.iter().fold(0u64, |a, b| a << 8 | u64::from(*b));
    let shortest = match width {
        1 => argument >= 24,
        2 => argument > 0xff,
        4 => argument > 0xffff,
        _ => argument > 0xffff_ffff,
    };
    // Of simple values only false, true and null are used, and floats not at all: none has an argument.
    if shortest && major != 7 { Ok((major, argument, end)) } else { Err(MALFORMED) }
}

/// Walks one item from `at`, the outermost at `depth` 1, and returns where it ends.
fn walk(bytes: &[u8], at: usize, depth: u8, keys: Keys) -> Result<usize, Error> {
    if depth > MAX_DEPTH {
        return Err(MALFORMED);
    }
    let (major, argument, mut at) = head(bytes, at)?;
    match major {
        0 | 1 => Ok(at),
        2 | 3 => {
            let end = usize::try_from(argument).ok().and_then(|n| at.checked_add(n)).ok_or(MALFORMED)?;
            let content = bytes.get(at..end).ok_or(MALFORMED)?;
            if major == 3 && core::str::from_utf8(content).is_err() {
                return Err(MALFORMED);
            }
            Ok(end)
        }
        4 => {
            // Each item takes at least a byte, so that a claimed count ends with the bytes.
            for _ in 0..argument {
                at = walk(bytes, at, depth + 1, keys)?;
            }
            Ok(at)
        }
        5 => {
            let mut last: Option<&[u8]> = None;
            for _ in 0..argument {
                let end = walk(bytes, at, depth + 1, keys)?;
                let key = bytes.get(at..end).ok_or(MALFORMED)?;
                let kind = key.first().map(|b| b >> 5);
                let allowed = matches!(kind, Some(0 | 1)) || (kind == Some(2) && keys == Keys::Any);
                // Bytewise ascending: neither out of order nor twice.
                if !allowed || last.is_some_and(|last| last >= key) {
                    return Err(MALFORMED);
                }
                last = Some(key);
                at = walk(bytes, end, depth + 1, keys)?;
            }
            Ok(at)
        }
        6 if argument == TAG_SIGN1 => walk(bytes, at, depth + 1, keys),
        7 if matches!(argument, 20..=22) => Ok(at),
        _ => Err(MALFORMED),
    }
}

/// Writes deterministic CBOR, as long as the caller gives map keys in ascending order.
pub struct Writer {
    encoder: Encoder<Vec<u8>>,
}

/// Writing to a vector cannot fail; the results of the encoder are dropped here and nowhere else.
macro_rules! write_to_vec {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty)?) = $method:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self $(, $arg: $type)?) -> &mut Self {
            let _ = self.encoder.$method($($arg)?);
            self
        }
    )*};
}

impl Writer {
    /// An empty item, to be filled.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// The same with room for an item of so many bytes, for one that is secret: a vector that grows would leave copies
    /// behind.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { encoder: Encoder::new(Vec::with_capacity(bytes)) }
    }

    write_to_vec! {
        /// A map of `entries` entries, which follow.
        map(entries: u64) = map;
        /// An array of `items` items, which follow.
        array(items: u64) = array;
        /// An unsigned integer, or a map's key.
        uint(value: u64) = u64;
        /// A signed integer.
        int(value: i64) = i64;
        /// A byte string.
        bytes(value: &[u8]) = bytes;
        /// A text.
        text(value: &str) = str;
        /// A boolean.
        bool(value: bool) = bool;
        /// Null.
        null() = null;
    }

    /// A tag.
    pub fn tag(&mut self, tag: u64) -> &mut Self {
        let _ = self.encoder.tag(minicbor::data::Tag::new(tag));
        self
    }

    /// Bytes that are an item already.
    pub fn item(&mut self, item: &[u8]) -> &mut Self {
        self.encoder.writer_mut().extend_from_slice(item);
        self
    }

    /// Null, or what `write` writes of the value.
    pub fn nullable<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            Some(value) => write(self, value),
            None => {
                self.null();
            }
        }
        self
    }

    /// The item.
    pub fn finish(self) -> Vec<u8> {
        self.encoder.into_writer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn depth_is_counted_from_one() {
        let mut nested = [0x81; 16];
        nested[15] = 0;
        assert!(Reader::new(&nested, Part::Cbor).is_ok());
        let mut deeper = [0x81; 17];
        deeper[16] = 0;
        assert_eq!(Reader::new(&deeper, Part::Cbor).err(), Some(MALFORMED));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_accepted_is_read_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut reader) = Reader::new(&bytes, Part::Cbor) {
                prop_assert_eq!(reader.item().unwrap(), &bytes[..]);
                prop_assert!(reader.end().is_ok());
            }
        }

        #[test]
        fn integers_survive(value in any::<u64>()) {
            let mut writer = Writer::new();
            writer.uint(value);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, Part::Cbor).unwrap();
            prop_assert_eq!(reader.uint().unwrap(), value);
        }
    }
}
