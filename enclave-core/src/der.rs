//! Strict DER (ITU-T X.690, 10), as much as reading a certificate's extensions and writing a signature takes.

use crate::{Error, Part};
use alloc::vec::Vec;

const MALFORMED: Error = Error::Malformed(Part::Certificate);

/// BOOLEAN.
const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
const BIT_STRING: u8 = 0x03;
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

/// keyUsage (RFC 5280, 4.2.1.3): digitalSignature, the first bit.
pub const DIGITAL_SIGNATURE: u8 = 0x80;
/// keyUsage: keyCertSign, the sixth bit.
pub const KEY_CERT_SIGN: u8 = 0x04;

const ID_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub struct Der<'a>(pub &'a [u8]);

impl<'a> Der<'a> {
    /// Whether the element that comes next has this tag.
    pub fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next element, whose tag must be `tag` and whose length has its shortest form, at most two
    /// bytes of it: nothing here is longer than 65,535 bytes.
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

    /// Everything was read.
    pub fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// keyUsage's first eight bits; none if the extension is absent.
    pub key_usage: u8,
    /// basicConstraints' cA.
    pub ca: bool,
    /// basicConstraints' pathLenConstraint: how many CA certificates may follow.
    pub path_length: Option<u8>,
}

impl Uses {
    /// Reads them from a certificate (RFC 5280, 4.1), which has been parsed as such before: whether an extension is
    /// there twice or critical and unknown has been judged.
    pub fn of(certificate: &[u8]) -> Result<Self, Error> {
        let mut tbs = Der(Der(Der(certificate).read(SEQUENCE)?).read(SEQUENCE)?);
        // version [0], serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
        for tag in [0xa0, INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
            tbs.read(tag)?;
        }
        let mut uses = Self::default();
        if !tbs.next_is(0xa3) {
            return Ok(uses);
        }
        let mut extensions = Der(Der(tbs.read(0xa3)?).read(SEQUENCE)?);
        while !extensions.0.is_empty() {
            let mut extension = Der(extensions.read(SEQUENCE)?);
            let id = extension.read(OID)?;
            if extension.next_is(BOOLEAN) {
                extension.read(BOOLEAN)?;
            }
            let mut value = Der(extension.read(OCTET_STRING)?);
            extension.end()?;
            if id == ID_KEY_USAGE {
                // The first byte counts the unused bits.
                let bits = value.read(BIT_STRING)?;
                uses.key_usage = *bits.get(1).ok_or(MALFORMED)?;
                value.end()?;
            } else if id == ID_BASIC_CONSTRAINTS {
                let mut constraints = Der(value.read(SEQUENCE)?);
                value.end()?;
                if constraints.next_is(BOOLEAN) {
                    uses.ca = constraints.read(BOOLEAN)? == [0xff];
                }
                if constraints.next_is(INTEGER) {
                    match constraints.read(INTEGER)? {
                        [length @ ..=0x7f] => uses.path_length = Some(*length),
                        _ => return Err(MALFORMED),
                    }
                }
                constraints.end()?;
            }
        }
        Ok(uses)
    }
}

/// An ECDSA signature as certificates have it (RFC 3279, 2.2.3), SEQUENCE { r, s }, from r ‖ s as COSE has it.
pub fn ecdsa_signature(raw: &[u8; 96]) -> Vec<u8> {
    let mut integers = Vec::with_capacity(102);
    for number in raw.chunks(48) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count().min(47);
        let digits = number.get(zeros..).unwrap_or_default();
        // A first bit that is set would make it negative.
        let sign: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
        integers.extend_from_slice(&[INTEGER, (sign.len() + digits.len()) as u8]);
        integers.extend_from_slice(sign);
        integers.extend_from_slice(digits);
    }
    let mut signature = Vec::from([SEQUENCE, integers.len() as u8]);
    signature.extend_from_slice(&integers);
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_minimal_and_positive() {
        let mut raw = [0; 96];
        raw[47] = 0x7f;
        raw[95] = 0x80;
        assert_eq!(ecdsa_signature(&raw), [0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]);
        assert_eq!(ecdsa_signature(&[0; 96]), [0x30, 6, 2, 1, 0, 2, 1, 0]);
        assert_eq!(ecdsa_signature(&[0xff; 96]).len(), 2 + 2 * (2 + 49));
    }

    #[test]
    fn lengths_have_one_form() {
        for long in [&[4, 0x81, 1, 0][..], &[4, 0x82, 0, 1, 0], &[4, 0x80, 0, 0], &[4, 0x83, 0, 0, 1, 0]] {
            assert_eq!(Der(long).read(OCTET_STRING), Err(MALFORMED));
        }
    }

    #[test]
    fn the_roots_uses() {
        let root = include_bytes!("verify/aws-nitro-root-g1.der");
        assert_eq!(Uses::of(root), Ok(Uses { key_usage: 0x86, ca: true, path_length: None }));
    }
}
