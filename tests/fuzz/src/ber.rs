//! A normal form for CMS in BER (ITU-T X.690), to compare two encodings of one message.
//!
//! The normal form has definite lengths, no NULL parameters, and the encrypted content in one piece. Every other byte
//! of a message is in its normal form. Therefore two messages with the same normal form carry the same information.

use crate::der::element;

/// A tag and its content.
type Element = (u8, Vec<u8>);

/// Returns the normal form of a message that the core accepted. It panics if `message` is not BER.
pub fn normal_form(message: &[u8]) -> Vec<Element> {
    let mut rest = message;
    let found = elements(&mut rest);
    assert!(rest.is_empty(), "bytes follow the end-of-contents");
    found
}

/// Reads elements up to the end of `ber` or to the end-of-contents.
fn elements(ber: &mut &[u8]) -> Vec<Element> {
    let mut found = Vec::new();
    loop {
        let (tag, first, rest) = match *ber {
            [] => return found,
            [0, 0, rest @ ..] => {
                *ber = rest;
                return found;
            }
            [tag, first, rest @ ..] => (*tag, *first, rest),
            [_] => panic!("truncated element"),
        };
        if first == 0x80 {
            *ber = rest;
            found.push(constructed(tag, elements(ber)));
            continue;
        }
        let (digits, rest) = rest.split_at(usize::from(first.saturating_sub(0x80)));
        let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        let (content, rest) = rest.split_at(if first < 0x80 { usize::from(first) } else { length });
        *ber = rest;
        found.push(if tag & 0x20 == 0 { (tag, content.to_vec()) } else { constructed(tag, normal_form(content)) });
    }
}

/// Normalizes a constructed element: joins the pieces of an OCTET STRING, and drops NULL.
fn constructed(tag: u8, parts: Vec<Element>) -> Element {
    if tag == 0xa0 && parts.iter().all(|(tag, _)| *tag == 4) {
        return (0x80, parts.into_iter().flat_map(|(_, content)| content).collect());
    }
    let kept = parts.into_iter().filter(|part| *part != (5, Vec::new()));
    (tag, kept.flat_map(|(tag, content)| element(tag, &[&content])).collect())
}
