//! Binary data as text.
//!
//! - Accepted base64url text, and accepted `cape:` text, is the encoding of the bytes that it is decoded to.

use enclave_core::encoding::{base64url_decode, base64url_encode, cape_decode, cape_encode};

/// The input is text in one of the encodings.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(bytes) = base64url_decode(text) {
        assert_eq!(base64url_encode(&bytes), text);
    }
    if let Ok(bytes) = cape_decode(text) {
        assert_eq!(cape_encode(&bytes), text);
    }
}
