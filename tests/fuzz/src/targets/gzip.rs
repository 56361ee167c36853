//! The compression of the ramdisk.
//!
//! - What is compressed expands to the same bytes.
//! - Nothing expands to more bytes than the limit of the call.

use eif_build::gzip;

const LIMIT: u64 = 1 << 20;
/// The length of the only gzip header that `expand` accepts.
const HEADER: usize = 10;

/// The input is plain bytes. It is also a deflate stream with CRC and size, to which the target adds the header.
pub fn check(data: &[u8]) {
    let compressed = gzip::compress(data);
    assert_eq!(gzip::expand(&compressed, data.len() as u64).as_deref(), Ok(data));
    if let Ok(bytes) = gzip::expand(&[&compressed[..HEADER], data].concat(), LIMIT) {
        assert!(bytes.len() as u64 <= LIMIT);
    }
}
