//! Bytes as text: base64url and base32 without padding (RFC 4648), hexadecimal, the `cape:` form of a ciphertext.

use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
#[cfg(feature = "outside")]
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The prefix of an encrypted file's text form.
#[cfg(feature = "outside")]
pub const CAPE: &str = "cape:";

/// Base64url without padding (RFC 4648, 5).
pub fn base64url_encode(bytes: &[u8]) -> String {
    encode(bytes, BASE64URL, 6)
}

/// Lower-case base32 without padding (RFC 4648, 6).
#[cfg(feature = "outside")]
pub fn base32_encode(bytes: &[u8]) -> String {
    encode(bytes, BASE32, 5)
}

/// Lower-case hexadecimal (RFC 4648, 8).
pub fn hex(bytes: &[u8]) -> String {
    encode(bytes, HEX, 4)
}

/// Each character of `alphabet` stands for `width` bits, most significant first; zeros fill the last one.
fn encode(bytes: &[u8], alphabet: &[u8], width: u32) -> String {
    let mut out = String::with_capacity((bytes.len() * 8).div_ceil(width as usize));
    let (mut pending, mut bits) = (0u32, 0);
    let mut put = |value: u32| {
        // The alphabet's length is a power of two, so the mask always gives a valid index.
        if let Some(character) = alphabet.get(value as usize & (alphabet.len() - 1)) {
            out.push(char::from(*character));
        }
    };
    for byte in bytes {
        pending = pending << 8 | u32::from(*byte);
        bits += 8;
        while bits >= width {
            bits -= width;
            put(pending >> bits);
        }
    }
    if bits > 0 {
        put(pending << (width - bits));
    }
    out
}

/// The bytes of base64url without padding (RFC 4648, 5).
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Text`]: white space, padding, a length of 1 modulo 4, or unused bits that are
/// not zero.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, Error> {
    const MALFORMED: Error = Error::Malformed(MessageKind::Text);
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut pending, mut bits) = (0u32, 0);
    for character in text.bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return Err(MALFORMED),
        };
        pending = pending << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((pending >> bits & 0xff) as u8);
        }
    }
    // Six pending bits are a lone character; fewer are unused and must be zero.
    if bits == 6 || pending & ((1 << bits) - 1) != 0 { Err(MALFORMED) } else { Ok(out) }
}

/// The text form of an encrypted file.
#[cfg(feature = "outside")]
pub fn cape_encode(file: &[u8]) -> String {
    let mut text = String::from(CAPE);
    text.push_str(&base64url_encode(file));
    text
}

/// The encrypted file of this text form.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Text`].
#[cfg(feature = "outside")]
pub fn cape_decode(text: &str) -> Result<Vec<u8>, Error> {
    base64url_decode(text.strip_prefix(CAPE).ok_or(Error::Malformed(MessageKind::Text))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_the_vectors_of_rfc_4648_section_10() {
        let cases = [
            ("", "", "", ""),
            ("f", "Zg", "my", "66"),
            ("fo", "Zm8", "mzxq", "666f"),
            ("foo", "Zm9v", "mzxw6", "666f6f"),
            ("foob", "Zm9vYg", "mzxw6yq", "666f6f62"),
            ("fooba", "Zm9vYmE", "mzxw6ytb", "666f6f6261"),
            ("foobar", "Zm9vYmFy", "mzxw6ytboi", "666f6f626172"),
        ];
        for (plain, base64, base32, base16) in cases {
            assert_eq!(base64url_encode(plain.as_bytes()), base64);
            assert_eq!(base32_encode(plain.as_bytes()), base32);
            assert_eq!(hex(plain.as_bytes()), base16);
        }
        assert_eq!(base64url_encode(&[0xfb, 0xff]), "-_8");
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(base64url_decode(&base64url_encode(&bytes)), Ok(bytes.clone()));
            prop_assert_eq!(cape_decode(&cape_encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn accepts_one_text_for_the_same_bytes(text in "[A-Za-z0-9_=+/ -]{0,12}") {
            if let Ok(bytes) = base64url_decode(&text) {
                prop_assert_eq!(base64url_encode(&bytes), text);
            }
        }
    }
}
