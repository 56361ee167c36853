//! What webpki does not tell of a certificate: its key usage and path length; and the form of its signatures.

use crate::encoding::der::{BIT_STRING, BOOLEAN, Der, INTEGER, OCTET_STRING, OID, SEQUENCE};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

const MALFORMED: Error = Error::Malformed(MessageKind::Certificate);

/// keyUsage (RFC 5280, 4.2.1.3): digitalSignature, the first bit.
pub(super) const DIGITAL_SIGNATURE: u8 = 0x80;
/// keyUsage: keyCertSign, the sixth bit.
pub(super) const KEY_CERT_SIGN: u8 = 0x04;

const ID_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CertificateUsage {
    /// The first eight bits of keyUsage; 0 if the extension is absent.
    pub key_usage: u8,
    /// cA of basicConstraints.
    pub ca: bool,
    /// pathLenConstraint of basicConstraints: how many CA certificates may follow.
    pub path_length: Option<u8>,
}

impl CertificateUsage {
    /// Reads the usage of a certificate (RFC 5280, 4.1) that webpki has parsed. webpki rejects duplicate extensions
    /// and unknown critical ones, so this does not.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Certificate`].
    pub fn of(certificate: &[u8]) -> Result<Self, Error> {
        let mut tbs = Der(Der(Der(certificate).read(SEQUENCE)?).read(SEQUENCE)?);
        // version [0], serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
        for tag in [0xa0, INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
            tbs.read(tag)?;
        }
        let mut usage = Self::default();
        if !tbs.next_is(0xa3) {
            return Ok(usage);
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
                // The first byte is the number of unused bits.
                let bits = value.read(BIT_STRING)?;
                usage.key_usage = *bits.get(1).ok_or(MALFORMED)?;
                value.end()?;
            } else if id == ID_BASIC_CONSTRAINTS {
                let mut constraints = Der(value.read(SEQUENCE)?);
                value.end()?;
                if constraints.next_is(BOOLEAN) {
                    usage.ca = constraints.read(BOOLEAN)? == [0xff];
                }
                if constraints.next_is(INTEGER) {
                    match constraints.read(INTEGER)? {
                        [length @ ..=0x7f] => usage.path_length = Some(*length),
                        _ => return Err(MALFORMED),
                    }
                }
                constraints.end()?;
            }
        }
        Ok(usage)
    }
}

/// An ECDSA signature as certificates have it, SEQUENCE { r, s } (RFC 3279, 2.2.3), from r ‖ s as COSE has it.
pub(super) fn ecdsa_signature(raw: &[u8; 96]) -> Vec<u8> {
    let mut integers = Vec::with_capacity(102);
    for number in raw.chunks(48) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count().min(47);
        let digits = number.get(zeros..).unwrap_or_default();
        // Without a zero byte in front, a set first bit would make the integer negative.
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
    fn writes_minimal_and_positive_integers() {
        let mut raw = [0; 96];
        raw[47] = 0x7f;
        raw[95] = 0x80;
        assert_eq!(ecdsa_signature(&raw), [0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]);
        assert_eq!(ecdsa_signature(&[0; 96]), [0x30, 6, 2, 1, 0, 2, 1, 0]);
        assert_eq!(ecdsa_signature(&[0xff; 96]).len(), 2 + 2 * (2 + 49));
    }

    #[test]
    fn reads_the_usage_of_the_aws_root() {
        let root = include_bytes!("aws-nitro-root-g1.der");
        let usage = CertificateUsage { key_usage: 0x86, ca: true, path_length: None };
        assert_eq!(CertificateUsage::of(root), Ok(usage));
    }
}
