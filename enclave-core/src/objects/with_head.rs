//! magic ‖ u32be length ‖ head ‖ rest: how stored objects and encrypted files begin.

use crate::messages::{MAX_HEAD, split_head};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// magic ‖ u32be length ‖ head.
///
/// # Errors
/// [`Error::TooLarge`] of `kind` if the head is longer than [`MAX_HEAD`].
pub(super) fn join(magic: [u8; 4], head: &[u8], kind: MessageKind) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(head.len()).ok().filter(|_| head.len() <= MAX_HEAD).ok_or(Error::TooLarge(kind))?;
    Ok([magic.as_slice(), &length.to_be_bytes(), head].concat())
}

/// The head, and what follows it.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::TooLarge`] of `kind`.
pub(super) fn split(magic: [u8; 4], bytes: &[u8], kind: MessageKind) -> Result<(&[u8], &[u8]), Error> {
    split_head(bytes.strip_prefix(&magic).ok_or(Error::Malformed(kind))?, kind)
}
