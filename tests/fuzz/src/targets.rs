//! The targets.

mod bytes;
mod evidence;
mod handshake;
mod image;
mod kms;
mod messages;
mod session;
mod stored;

/// What a target does with the bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const ALL: [(&str, Target); 24] = [
    ("bundle", stored::bundle),
    ("cbor", bytes::cbor),
    ("ciphertext", stored::ciphertext),
    ("claims", evidence::claims),
    ("cms", kms::cms),
    ("configuration", messages::configuration),
    ("cpio", image::cpio),
    ("document", evidence::document),
    ("eif", image::eif),
    ("frame", bytes::frame),
    ("gzip", image::gzip),
    ("handshake", handshake::handshake),
    ("hello", messages::hello),
    ("job", messages::job),
    ("kms", kms::kms),
    ("object", stored::object),
    ("parent", messages::parent),
    ("receipt", evidence::receipt),
    ("request", messages::request),
    ("response", messages::response),
    ("session", session::session),
    ("statement", evidence::statement),
    ("stream", bytes::stream),
    ("text", bytes::text),
];

/// A copy with one bit changed, whose place `data` chooses.
fn damaged(bytes: &[u8], data: &[u8]) -> Vec<u8> {
    let chosen = data.iter().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let (mut bytes, bits) = (bytes.to_vec(), bytes.len() as u64 * 8);
    let bit = chosen % bits;
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    bytes
}

/// The next part of a script: u16be length ‖ bytes, cut off where the script ends.
fn part<'a>(script: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = script.split_first_chunk()?;
    let (part, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
    *script = rest;
    Some(part)
}
