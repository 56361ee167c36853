//! The ramdisk's compression: gzip (RFC 1952), one member in one form.
//!
//! Linux takes any number of members, with zeros and archives that are not compressed in between, passes over a name,
//! and does not look at the CRC: what it unpacks could be more than another reader sees. Here there is one header, one
//! member whose CRC and size hold, and nothing behind it.
//!
//! The header's first byte is not printable: no command line in front of it can end anywhere else.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as WHOLE_OUTPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::error::Error;

/// Magic, deflate, no flags (so no name, no comment), no time, compressed as well as can be, made nowhere in particular.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];

/// The level of the compressor, its highest.
const LEVEL: u8 = 10;

/// Deflate (RFC 1951) makes no more of a byte: four lengths of 258, two bits each with the distance.
const MAX_RATIO: u64 = 4 * 258;

/// The gzip member of `bytes`: the same for the same bytes, always.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut member = HEADER.to_vec();
    member.extend(miniz_oxide::deflate::compress_to_vec(bytes, LEVEL));
    member.extend(crc32fast::hash(bytes).to_le_bytes());
    // ISIZE is modulo 2^32.
    member.extend((bytes.len() as u32).to_le_bytes());
    member
}

/// What is in a gzip member of this form, at most `limit` bytes. Which compressor made it does not matter.
///
/// # Errors
/// [`Error::GzipHeader`], [`Error::GzipTooLarge`], [`Error::GzipStream`], [`Error::GzipCrc`].
pub fn expand(member: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let rest = member.strip_prefix(&HEADER).ok_or(Error::GzipHeader)?;
    let (rest, size) = rest.split_last_chunk().ok_or(Error::GzipStream)?;
    let (stream, crc) = rest.split_last_chunk().ok_or(Error::GzipStream)?;
    let (size, found) = (u32::from_le_bytes(*size), u32::from_le_bytes(*crc));
    if u64::from(size) > limit {
        return Err(Error::GzipTooLarge { size: size.into(), limit });
    }
    // No memory for a size that the stream cannot have.
    if u64::from(size) > stream.len() as u64 * MAX_RATIO {
        return Err(Error::GzipStream);
    }
    // Exactly as many bytes are written as it claims, or it is refused.
    let mut bytes = vec![0; size as usize];
    let end = decompress(&mut DecompressorOxide::new(), stream, &mut bytes, 0, WHOLE_OUTPUT);
    if end != (TINFLStatus::Done, stream.len(), bytes.len()) {
        return Err(Error::GzipStream);
    }
    let computed = crc32fast::hash(&bytes);
    if computed != found {
        return Err(Error::GzipCrc { computed, found });
    }
    Ok(bytes)
}
