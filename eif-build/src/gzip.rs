//! The compression of a ramdisk: gzip (RFC 1952), exactly one member in one form.
//!
//! Linux accepts any number of members, with zeros and uncompressed archives between them. It ignores names and does
//! not check the CRC. It could therefore unpack more than another reader sees. This module accepts one constant header
//! and one member with a correct CRC and size. Nothing may follow the member.
//!
//! The first byte of the header is not printable. A command line in front of it can therefore end nowhere else.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF as WHOLE_OUTPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::error::Error;

/// Magic, deflate, no flags (no name, no comment), no time, best compression, unknown operating system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];

/// The highest level of the compressor.
const LEVEL: u8 = 10;

/// The most output bytes for one input byte of deflate (RFC 1951): four lengths of 258, each with its distance in two
/// bits.
const MAX_RATIO: u64 = 4 * 258;

/// Compresses `bytes` into one gzip member. Equal bytes always give an equal member.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut member = HEADER.to_vec();
    member.extend(miniz_oxide::deflate::compress_to_vec(bytes, LEVEL));
    member.extend(crc32fast::hash(bytes).to_le_bytes());
    // The field ISIZE is the size modulo 2^32.
    member.extend((bytes.len() as u32).to_le_bytes());
    member
}

/// Unpacks a gzip member of this form to at most `limit` bytes. The deflate stream may come from any compressor.
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
    // A stream of this length cannot have that size, so no memory is allocated for it.
    if u64::from(size) > stream.len() as u64 * MAX_RATIO {
        return Err(Error::GzipStream);
    }
    // The stream must fill the buffer exactly.
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
