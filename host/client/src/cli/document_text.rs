//! Attestation documents as text: most public ones are in base64 or in hexadecimal digits.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER_PERMISSIVE};
use std::borrow::Cow;

/// The first byte of a document: the head of an array of four.
const ARRAY_OF_FOUR: u8 = 0x84;
/// The first byte of a document behind tag 18.
const TAG_18: u8 = 0xd2;

/// The document that a file contains, as bytes or as text.
///
/// The text is hexadecimal digits of either case, or base64 (RFC 4648, 4 and 5) with or without padding. The whole file
/// must be the text; white space around it and line ends in it are ignored. Bytes that are no such text, or a text of
/// something that does not begin as a document does, are returned unchanged.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unchanged = Cow::Borrowed(bytes);
    if is_document(bytes) {
        return unchanged;
    }
    let digits: Vec<u8> = bytes.trim_ascii().iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let encodings: [&Encoding; 5] = [&HEXLOWER_PERMISSIVE, &BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD];
    let mut decoded = encodings.into_iter().filter_map(|encoding| encoding.decode(&digits).ok());
    decoded.find(|decoded| is_document(decoded)).map_or(unchanged, Cow::Owned)
}

fn is_document(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&ARRAY_OF_FOUR | &TAG_18))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{HEXLOWER, HEXUPPER};

    #[test]
    fn decodes_every_text_form_of_a_whole_document() {
        // The document has the base64 digits + and /, which are - and _ in base64url, and needs padding.
        let document = [0x84, 0xfb, 0xef, 0xff, 0xfe];
        let encodings = [HEXLOWER, HEXUPPER, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
        for text in encodings.map(|encoding| encoding.encode(&document)) {
            for text in [text.clone(), format!(" \t{text}\r\n"), format!("{}\n{}\n", &text[..4], &text[4..])] {
                assert_eq!(*decode(text.as_bytes()), document, "{text}");
            }
        }
        assert_eq!(*decode(HEXLOWER.encode(&[0xd2, 0x84]).as_bytes()), [0xd2, 0x84], "with a tag");
    }

    #[test]
    fn leaves_bytes_and_other_texts_unchanged() {
        for other in [
            &b""[..],
            b"\x84\x44",
            b"\xd2\x84",
            b"8444a10138\x00",
            b"8444a",
            b"84 44 a1 01",
            b"0x8444a101",
            b"hEShATgi hEShATgi",
            b"\"hEShATgi\"",
            b"hEShATgi=",
            b"hEShATg-/A",
            b"aGVsbG8=",
        ] {
            assert_eq!(*decode(other), *other, "{other:?}");
        }
    }
}
