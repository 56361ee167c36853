//! Deterministic CBOR (RFC 8949, 4.2.1): a strict reader and a writer.
//!
//! [`Reader::new`] checks the whole item first: it is deterministic, within the depth, complete, and nothing follows
//! it. AWS's attestation documents have rules of their own (`attestation/document.rs`).

use crate::{Error, MessageKind};
use alloc::vec::Vec;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// How deep items may be nested; the outermost item counts as 1.
pub const MAX_DEPTH: u8 = 16;

/// The only tag that the protocol uses: COSE_Sign1 (RFC 9052, 2).
pub const TAG_SIGN1: u64 = 18;

const MALFORMED: Error = Error::Malformed(MessageKind::Cbor);

/// A value of a fixed length in bytes.
pub trait FixedBytes: Sized {
    /// The value of these bytes; `None` if their number is not the value's length.
    fn from_slice(bytes: &[u8]) -> Option<Self>;
}

impl<const N: usize> FixedBytes for [u8; N] {
    fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

/// Reads one checked item, strictly in order.
///
/// # Errors
/// Every method fails with [`Error::Malformed`] of the [`MessageKind`] that the reader was made for, if the next item
/// is not what the method asks for.
pub struct Reader<'a> {
    decoder: Decoder<'a>,
    kind: MessageKind,
}

#[allow(clippy::missing_errors_doc, reason = "the type's documentation states them")]
impl<'a> Reader<'a> {
    /// A reader of `bytes`, which are a message of this `kind`.
    ///
    /// # Errors
    /// [`Error::Malformed`] of `kind`, unless `bytes` are exactly one deterministic item.
    pub fn new(bytes: &'a [u8], kind: MessageKind) -> Result<Self, Error> {
        let end = walk(bytes, 0, 1).map_err(|_| Error::Malformed(kind))?;
        if end != bytes.len() {
            return Err(Error::Malformed(kind));
        }
        Ok(Self { decoder: Decoder::new(bytes), kind })
    }

    fn malformed<E>(&self) -> impl FnOnce(E) -> Error + use<E> {
        let kind = self.kind;
        move |_| Error::Malformed(kind)
    }

    fn require(&self, holds: bool) -> Result<(), Error> {
        if holds { Ok(()) } else { Err(Error::Malformed(self.kind)) }
    }

    /// The number of entries of the map that comes next.
    pub fn any_map(&mut self) -> Result<u64, Error> {
        self.decoder.map().map_err(self.malformed())?.ok_or(Error::Malformed(self.kind))
    }

    /// The number of items of the array that comes next.
    pub fn any_array(&mut self) -> Result<u64, Error> {
        self.decoder.array().map_err(self.malformed())?.ok_or(Error::Malformed(self.kind))
    }

    /// A map of exactly `entries` entries.
    pub fn map(&mut self, entries: u64) -> Result<&mut Self, Error> {
        let found = self.any_map()?;
        self.require(found == entries)?;
        Ok(self)
    }

    /// An array of exactly `items` items.
    pub fn array(&mut self, items: u64) -> Result<&mut Self, Error> {
        let found = self.any_array()?;
        self.require(found == items)?;
        Ok(self)
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

    /// The key `key`. The reader is then at the key's value.
    pub fn key(&mut self, key: u64) -> Result<&mut Self, Error> {
        let found = self.uint()?;
        self.require(found == key)?;
        Ok(self)
    }

    /// A byte string of `least..=most` bytes.
    pub fn bytes(&mut self, least: usize, most: usize) -> Result<&'a [u8], Error> {
        let found = self.decoder.bytes().map_err(self.malformed())?;
        self.require((least..=most).contains(&found.len()))?;
        Ok(found)
    }

    /// A byte string of exactly the length of `T`.
    pub fn fixed<T: FixedBytes>(&mut self) -> Result<T, Error> {
        T::from_slice(self.bytes(0, usize::MAX)?).ok_or(Error::Malformed(self.kind))
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

    /// `None` if null comes next, otherwise what `read` reads.
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

    /// Whether the item was read to its end.
    pub fn at_end(&self) -> bool {
        self.decoder.position() == self.decoder.input().len()
    }

    /// The bytes of the next item, of any type.
    pub fn item(&mut self) -> Result<&'a [u8], Error> {
        let start = self.decoder.position();
        self.decoder.skip().map_err(self.malformed())?;
        self.decoder.input().get(start..self.decoder.position()).ok_or(Error::Malformed(self.kind))
    }

    /// Checks that the item was read to its end.
    pub fn end(self) -> Result<(), Error> {
        self.require(self.at_end())
    }
}

/// The head at `at`: major type, argument, and where the head ends. Only the shortest form is accepted.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Cbor`].
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
    // The only simple values are false, true and null, which have no argument; floats are unsupported.
    if shortest && major != 7 { Ok((major, argument, end)) } else { Err(MALFORMED) }
}

/// Walks one item from `at`, the outermost at `depth` 1, and returns where it ends.
fn walk(bytes: &[u8], at: usize, depth: u8) -> Result<usize, Error> {
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
            // Each item takes at least one byte, so a count larger than the input ends with the input.
            for _ in 0..argument {
                at = walk(bytes, at, depth + 1)?;
            }
            Ok(at)
        }
        5 => {
            let mut last: Option<&[u8]> = None;
            for _ in 0..argument {
                let end = walk(bytes, at, depth + 1)?;
                let key = bytes.get(at..end).ok_or(MALFORMED)?;
                let integer = key.first().is_some_and(|b| matches!(b >> 5, 0 | 1));
                // Bytewise ascending, which rejects both disorder and duplicates.
                if !integer || last.is_some_and(|last| last >= key) {
                    return Err(MALFORMED);
                }
                last = Some(key);
                at = walk(bytes, end, depth + 1)?;
            }
            Ok(at)
        }
        6 if argument == TAG_SIGN1 => walk(bytes, at, depth + 1),
        7 if matches!(argument, 20..=22) => Ok(at),
        _ => Err(MALFORMED),
    }
}

/// Writes CBOR. It is deterministic if the caller writes map keys in ascending order.
pub struct Writer {
    encoder: Encoder<Vec<u8>>,
}

/// Writing to a vector cannot fail, so the encoder's results are dropped, here and nowhere else.
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
    /// A writer of one item.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// A writer with room for an item of `bytes` bytes. A secret item needs it, because a vector that grows leaves
    /// copies behind.
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
        /// A text.
        text(value: &str) = str;
        /// A boolean.
        bool(value: bool) = bool;
        /// Null.
        null() = null;
    }

    /// A byte string.
    pub fn bytes(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.encoder.bytes(value.as_ref());
        self
    }

    /// A tag.
    pub fn tag(&mut self, tag: u64) -> &mut Self {
        let _ = self.encoder.tag(minicbor::data::Tag::new(tag));
        self
    }

    /// Bytes that are an encoded item already.
    pub fn item(&mut self, item: &[u8]) -> &mut Self {
        self.encoder.writer_mut().extend_from_slice(item);
        self
    }

    /// Null if `value` is `None`, otherwise what `write` writes.
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
    fn rejects_more_than_sixteen_levels() {
        let mut nested = [0x81; 16];
        nested[15] = 0;
        assert!(Reader::new(&nested, MessageKind::Cbor).is_ok());
        let mut deeper = [0x81; 17];
        deeper[16] = 0;
        assert_eq!(Reader::new(&deeper, MessageKind::Cbor).err(), Some(MALFORMED));
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_accepted_items_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut reader) = Reader::new(&bytes, MessageKind::Cbor) {
                prop_assert_eq!(reader.item().unwrap(), &bytes[..]);
                prop_assert!(reader.end().is_ok());
            }
        }

        #[test]
        fn integers_are_read_as_written(value in any::<u64>()) {
            let mut writer = Writer::new();
            writer.uint(value);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, MessageKind::Cbor).unwrap();
            prop_assert_eq!(reader.uint().unwrap(), value);
        }
    }
}
