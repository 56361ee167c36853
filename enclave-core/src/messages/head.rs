//! What a stream holds: u32be length ‖ head ‖ body.

use crate::encoding::{Reader, Writer};
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest head, in bytes: with its length it fits into the first chunk.
pub const MAX_HEAD: usize = 65_532;

/// u32be length ‖ head.
///
/// # Errors
/// [`Error::TooLarge`] of `kind` if the head is longer than [`MAX_HEAD`].
pub(super) fn with_length(head: &[u8], kind: MessageKind) -> Result<Zeroizing<Vec<u8>>, Error> {
    let length = u32::try_from(head.len()).ok().filter(|_| head.len() <= MAX_HEAD).ok_or(Error::TooLarge(kind))?;
    let mut out = Zeroizing::new(Vec::with_capacity(head.len() + 4));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(head);
    Ok(out)
}

/// Splits the plaintext of a stream's first chunk into the head and the beginning of the body.
///
/// # Errors
/// [`Error::TooLarge`] of `kind` if the head is longer than [`MAX_HEAD`]; [`Error::Malformed`] of `kind` if it is
/// truncated.
pub fn split_head(plaintext: &[u8], kind: MessageKind) -> Result<(&[u8], &[u8]), Error> {
    let (length, rest) = plaintext.split_first_chunk().ok_or(Error::Malformed(kind))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Error::TooLarge(kind))?;
    if length > MAX_HEAD {
        return Err(Error::TooLarge(kind));
    }
    rest.split_at_checked(length).ok_or(Error::Malformed(kind))
}

/// An empty map: parameters or a result without content.
pub fn empty_map() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(0);
    writer.finish()
}

/// The next item of `reader`, which must be a map of unsigned integer keys.
pub(super) fn read_map(reader: &mut Reader<'_>, kind: MessageKind) -> Result<Vec<u8>, Error> {
    if reader.peek()? != minicbor::data::Type::Map {
        return Err(Error::Malformed(kind));
    }
    let item = reader.item()?;
    let mut entries = Reader::new(item, kind)?;
    for _ in 0..entries.any_map()? {
        entries.uint()?;
        entries.item()?;
    }
    Ok(item.to_vec())
}
