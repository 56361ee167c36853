//! Inputs that consist of several parts.

/// Removes the first part from `script` and returns it. A part is u16be length ‖ bytes; the last one may be truncated.
/// Returns `None` if fewer than two bytes are left.
pub fn next_part<'a>(script: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = script.split_first_chunk()?;
    let (part, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
    *script = rest;
    Some(part)
}
