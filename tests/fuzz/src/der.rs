//! DER (ITU-T X.690), written.

/// Encodes one element, whose content is `parts` joined. The content must be shorter than 65,536 bytes.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        length @ 0..=0x7f => vec![length as u8],
        length @ 0x80..=0xff => vec![0x81, length as u8],
        length => [&[0x82], &(length as u16).to_be_bytes()[..]].concat(),
    };
    [&[tag], &length[..], &content].concat()
}
