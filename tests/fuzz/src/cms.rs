//! CMS as the core reads it, written; and its forms made one.

/// A DER element (ITU-T X.690) of these parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        length @ 0..=0x7f => vec![length as u8],
        length @ 0x80..=0xff => vec![0x81, length as u8],
        length => [&[0x82], &(length as u16).to_be_bytes()[..]].concat(),
    };
    [&[tag], &length[..], &content].concat()
}

/// EnvelopedData (RFC 5652, 6) in DER, as the core wants it.
pub fn enveloped(recipient: &[u8; 32], encrypted_key: &[u8], iv: &[u8; 16], content: &[u8]) -> Vec<u8> {
    let oid = |last: &[u8]| der(6, &[last]);
    let pkcs = |last: &[u8]| oid(&[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1], last].concat());
    let nist = |last: &[u8]| oid(&[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4], last].concat());
    let hash = der(0x30, &[&nist(&[2, 1])]);
    let mgf1 = der(0x30, &[&pkcs(&[1, 8]), &hash]);
    let oaep = der(0x30, &[&pkcs(&[1, 7]), &der(0x30, &[&der(0xa0, &[&hash]), &der(0xa1, &[&mgf1])])]);
    let two = der(2, &[&[2]]);
    let to = der(0x30, &[&two, &der(0x80, &[recipient]), &oaep, &der(4, &[encrypted_key])]);
    let cbc = der(0x30, &[&nist(&[1, 0x2a]), &der(4, &[iv])]);
    let encrypted = der(0x30, &[&pkcs(&[7, 1]), &cbc, &der(0x80, &[content])]);
    let data = der(0x30, &[&two, &der(0x31, &[&to]), &encrypted]);
    der(0x30, &[&pkcs(&[7, 3]), &der(0xa0, &[&data])])
}

/// A tag and its content.
type Element = (u8, Vec<u8>);

/// A message in one form: lengths definite, parameters that say nothing (NULL) left out, the content in one piece. What
/// two messages of one form do not say is nowhere else in them.
pub fn normal(message: &[u8]) -> Vec<Element> {
    let mut rest = message;
    let found = elements(&mut rest);
    assert!(rest.is_empty(), "nothing lies behind the end");
    found
}

/// What comes before the end, or before the end-of-contents.
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
            [_] => panic!("half an element"),
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
        found.push(if tag & 0x20 == 0 { (tag, content.to_vec()) } else { constructed(tag, normal(content)) });
    }
}

fn constructed(tag: u8, parts: Vec<Element>) -> Element {
    if tag == 0xa0 && parts.iter().all(|(tag, _)| *tag == 4) {
        return (0x80, parts.into_iter().flat_map(|(_, content)| content).collect());
    }
    let said = parts.into_iter().filter(|part| *part != (5, Vec::new()));
    (tag, said.flat_map(|(tag, content)| der(tag, &[&content])).collect())
}
