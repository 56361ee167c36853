//! Attestation documents as text: most public ones are in base64 or in hexadecimal digits, many of them inside of JSON.

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER_PERMISSIVE};
use serde_json::Value;
use std::borrow::Cow;

/// The first byte of a document: the head of an array of four.
const ARRAY_OF_FOUR: u8 = 0x84;
/// The first byte of a document behind tag 18.
const TAG_18: u8 = 0xd2;

/// The document that a file contains, as bytes or as text.
///
/// The text is hexadecimal digits of either case, or base64 (RFC 4648, 4 and 5) with or without padding. The whole file
/// must be the text; white space around it and line ends in it are ignored. It can also be JSON: a string with such a
/// text, or an object of which exactly one member is such a string. Bytes that are no such text, or a text of something
/// that does not begin as a document does, are returned unchanged.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    if is_document(bytes) {
        return Cow::Borrowed(bytes);
    }
    decode_digits(bytes).or_else(|| decode_json(bytes)).map_or(Cow::Borrowed(bytes), Cow::Owned)
}

fn decode_digits(bytes: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = bytes.trim_ascii().iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let encodings: [&Encoding; 5] = [&HEXLOWER_PERMISSIVE, &BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD];
    let mut decoded = encodings.into_iter().filter_map(|encoding| encoding.decode(&digits).ok());
    decoded.find(|decoded| is_document(decoded))
}

/// Two members that decode would be two documents, of which none was chosen.
fn decode_json(bytes: &[u8]) -> Option<Vec<u8>> {
    let texts = match serde_json::from_slice(bytes).ok()? {
        Value::String(text) => vec![text],
        Value::Object(members) => {
            members.into_iter().filter_map(|(_, value)| Some(value.as_str()?.to_owned())).collect()
        }
        _ => return None,
    };
    let mut decoded = texts.iter().filter_map(|text| decode_digits(text.as_bytes()));
    let first = decoded.next();
    if decoded.next().is_some() { None } else { first }
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
    fn decodes_a_document_inside_of_json() {
        let document = [0x84, 0xfb, 0xef, 0xff, 0xfe];
        let text = BASE64.encode(&document);
        assert!(text.contains('/'), "a text that JSON can escape");
        let escaped = text.replace('/', "\\/");
        for json in [
            format!("\"{text}\"\n"),
            format!(" \"{escaped}\""),
            format!("\"{}\"", HEXLOWER.encode(&document)),
            format!("{{\"document\":\"{text}\"}}"),
            format!("{{\n  \"time\": 7, \"algorithm\": \"ES384\",\n  \"AttestationDocument\": \"{escaped}\"\n}}\n"),
        ] {
            assert_eq!(*decode(json.as_bytes()), document, "{json}");
        }
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
            b"\"hello\"",
            b"[\"hEShATgi\"]",
            b"{\"a\":\"hEShATgi\",\"b\":\"hEShATgi\"}",
            b"{\"a\":{\"b\":\"hEShATgi\"}}",
            b"{\"a\":\"hEShATgi\"",
            b"hEShATgi=",
            b"hEShATg-/A",
            b"aGVsbG8=",
        ] {
            assert_eq!(*decode(other), *other, "{other:?}");
        }
    }
}
