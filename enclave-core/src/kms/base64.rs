//! Base64 with padding (RFC 4648, 4), as KMS' JSON has it: base64url in another alphabet.

use crate::text::{base64url_decode, base64url_encode};
use crate::{Error, Part};
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
pub fn decode(text: &str) -> Result<Vec<u8>, Error> {
    const MALFORMED: Error = Error::Malformed(Part::Kms);
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
    fn rfc_4648_section_10() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, text) in cases {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text), Ok(plain.as_bytes().to_vec()));
        }
        assert_eq!(encode(&[0xfb, 0xff]), "+/8=");
        for bad in ["Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "-_8=", "Zm9v=", "Zg==Zg==", "Zm9 v", "Zm9v\n"] {
            assert_eq!(decode(bad), Err(Error::Malformed(Part::Kms)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_text_for_what_is_accepted(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
