//! Base64 with padding (RFC 4648, 4), as KMS's JSON has it: base64url in another alphabet.

use crate::encoding::{base64url_decode, base64url_encode};
use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;

/// The text of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = base64url_encode(bytes).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The bytes of `text`.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Kms`].
pub fn decode(text: &str) -> Result<Vec<u8>, Error> {
    const MALFORMED: Error = Error::Malformed(MessageKind::Kms);
    let unpadded = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    if !text.len().is_multiple_of(4) || unpadded.contains(['-', '_']) {
        return Err(MALFORMED);
    }
    base64url_decode(&unpadded.replace('+', "-").replace('/', "_")).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodes_the_vectors_of_rfc_4648_section_10() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, text) in cases {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text), Ok(plain.as_bytes().to_vec()));
        }
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
        for bad in ["Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "-_8=", "Zm9v=", "Zg==Zg==", "Zm9 v", "Zm9v\n"] {
            assert_eq!(decode(bad), Err(Error::Malformed(MessageKind::Kms)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn accepts_one_text_for_the_same_bytes(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
