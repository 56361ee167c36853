//! The signer's certificate: its DER, its public key and its validity.
//!
//! AWS's hypervisor measures the DER into PCR8 and refuses an expired certificate. Neither the hypervisor nor this
//! crate checks the issuer. A verifier recognizes a certificate by its bytes.

use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::der::{self, Reader};
use crate::error::Error;

/// The DER of a P-384 SubjectPublicKeyInfo (RFC 5480), up to the point.
pub(crate) const P384_SPKI: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];

/// An X.509 certificate with a P-384 key.
///
/// A value of this type proves the form of the certificate. Its signature and its issuer are not checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    /// Reads a PEM file with exactly one certificate.
    ///
    /// # Errors
    /// [`Error::BadCertificate`], [`Error::CertificateKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let mut found = CertificateDer::pem_slice_iter(pem);
        match (found.next(), found.next()) {
            (Some(Ok(der)), None) => Self::from_der(der.to_vec()),
            _ => Err(Error::BadCertificate),
        }
    }

    /// Reads the DER of a certificate (RFC 5280, 4.1).
    ///
    /// # Errors
    /// [`Error::BadCertificate`], [`Error::CertificateKey`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, Error> {
        let fields = Fields::read(&der).ok_or(Error::BadCertificate)?;
        let point = fields.key.strip_prefix(&P384_SPKI).ok_or(Error::CertificateKey)?;
        let (public_key, not_before, not_after) = (point.to_vec(), fields.not_before, fields.not_after);
        Ok(Self { der, public_key, not_before, not_after })
    }

    /// The certificate in PEM, in the only form that an image may hold: lines of 64 characters, as OpenSSL writes them.
    pub fn to_pem(&self) -> String {
        let text = BASE64.encode(&self.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (at, character) in text.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }

    /// The DER of the certificate, which PCR8 measures.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The public key: an uncompressed point of 97 bytes.
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The first second at which the certificate is valid, as Unix time.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// The last second at which the certificate is valid, as Unix time.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Checks that the certificate is valid at `at`, a Unix time in seconds.
    ///
    /// # Errors
    /// [`Error::CertificateNotYetValid`], [`Error::CertificateExpired`].
    pub fn check_time(&self, at: i64) -> Result<(), Error> {
        let Self { not_before, not_after, .. } = *self;
        if at < not_before {
            return Err(Error::CertificateNotYetValid { not_before, not_after, at });
        }
        if at > not_after {
            return Err(Error::CertificateExpired { not_before, not_after, at });
        }
        Ok(())
    }
}

/// The fields of a certificate (RFC 5280, 4.1) that this crate uses.
pub(crate) struct Fields<'a> {
    /// The SubjectPublicKeyInfo.
    pub(crate) key: &'a [u8],
    /// The first second at which the certificate is valid, as Unix time.
    pub(crate) not_before: i64,
    /// The last second at which the certificate is valid, as Unix time.
    pub(crate) not_after: i64,
}

impl<'a> Fields<'a> {
    /// Reads the DER of a certificate. `None` if it is malformed.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader::new(der);
        let mut certificate = Reader::new(outer.value(der::SEQUENCE)?);
        outer.end()?;
        let mut to_be_signed = Reader::new(certificate.value(der::SEQUENCE)?);
        certificate.value(der::SEQUENCE)?; // signatureAlgorithm
        certificate.value(der::BIT_STRING)?; // signature
        certificate.end()?;

        if to_be_signed.peek()? == der::CONTEXT_0 {
            to_be_signed.value(der::CONTEXT_0)?; // version
        }
        to_be_signed.value(der::INTEGER)?; // serialNumber
        to_be_signed.value(der::SEQUENCE)?; // signature
        to_be_signed.value(der::SEQUENCE)?; // issuer
        let mut validity = Reader::new(to_be_signed.value(der::SEQUENCE)?);
        let not_before = validity.time()?;
        let not_after = validity.time()?;
        validity.end()?;
        to_be_signed.value(der::SEQUENCE)?; // subject
        let key = to_be_signed.whole(der::SEQUENCE)?; // subjectPublicKeyInfo
        Some(Self { key, not_before, not_after })
    }
}
