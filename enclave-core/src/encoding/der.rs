//! Strict DER (ITU-T X.690, 10): elements with definite lengths in their shortest form.

use crate::{Error, MessageKind};

const MALFORMED: Error = Error::Malformed(MessageKind::Certificate);

/// BOOLEAN.
#[cfg(feature = "outside")]
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
#[cfg(feature = "outside")]
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET OF.
pub const SET: u8 = 0x31;

/// Reads elements, one after the other.
///
/// # Errors
/// Every method fails with [`Error::Malformed`] of [`MessageKind::Certificate`].
#[derive(Clone, Copy)]
pub struct Der<'a>(pub &'a [u8]);

impl<'a> Der<'a> {
    /// Whether the next element has this tag.
    pub fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next element, which must have `tag` and at most 65,535 bytes.
    pub fn read(&mut self, tag: u8) -> Result<&'a [u8], Error> {
        let (length, rest) = match self.0 {
            [found, length @ ..=0x7f, rest @ ..] if *found == tag => (usize::from(*length), rest),
            [found, 0x81, length @ 0x80..=0xff, rest @ ..] if *found == tag => (usize::from(*length), rest),
            [found, 0x82, high @ 1..=0xff, low, rest @ ..] if *found == tag => {
                (usize::from(*high) << 8 | usize::from(*low), rest)
            }
            _ => return Err(MALFORMED),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
        self.0 = rest;
        Ok(content)
    }

    /// Checks that no element is left.
    pub fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_lengths_that_are_not_in_their_shortest_form() {
        for long in [&[4, 0x81, 1, 0][..], &[4, 0x82, 0, 1, 0], &[4, 0x80, 0, 0], &[4, 0x83, 0, 0, 1, 0]] {
            assert_eq!(Der(long).read(OCTET_STRING), Err(MALFORMED));
        }
    }
}
