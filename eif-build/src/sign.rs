//! Signing an image, and verifying a signed one.
//!
//! [`sign`] signs in one step with a key file. A key that never leaves its token or KMS signs in three steps:
//!
//! 1. [`crate::to_be_signed`] gives the bytes to sign.
//! 2. `openssl dgst -sha384 -sign`, a PKCS #11 token or AWS KMS (ECDSA_SHA_384, message type RAW) signs them.
//! 3. [`attach`] adds the resulting ECDSA-Sig-Value (DER) to the image.
//!
//! Both verify the signature before they return a file. Both refuse a certificate that is not valid at the given time,
//! because the hypervisor does not start such an image.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroize;

use crate::certificate::Certificate;
use crate::der::{self, Reader};
use crate::error::Error;
use crate::image::Image;
use crate::measure::{Measurements, pcr0};
use crate::signature::{SIGNATURE_SIZE, Signature, to_be_signed};
use crate::write::assemble;

/// Signs an image with an unencrypted P-384 key in PEM (PKCS #8 or SEC 1), and returns the signed file.
///
/// An existing signature is replaced. The certificate must be valid at `at`, a Unix time in seconds.
///
/// # Errors
/// [`Error::CertificateNotYetValid`], [`Error::CertificateExpired`], [`Error::BadKey`], [`Error::KeyMismatch`],
/// [`Error::SectionTooLarge`].
pub fn sign(image: &Image<'_>, key_pem: &[u8], certificate: Certificate, at: i64) -> Result<Vec<u8>, Error> {
    certificate.check_time(at)?;
    let mut der = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| Error::BadKey)?;
    let key = key_pair(&der);
    der.zeroize();
    let key = key?;
    if key.public_key().as_ref() != certificate.public_key() {
        return Err(Error::KeyMismatch);
    }
    let signed = key.sign(&SystemRandom::new(), &to_be_signed(&pcr0(image))?).map_err(|_| Error::BadKey)?;
    finish(image, certificate, signed.as_ref().try_into().map_err(|_| Error::BadKey)?)
}

/// Attaches an ECDSA-Sig-Value in DER (RFC 3279, 2.2.3) to an image, and returns the signed file.
///
/// An existing signature is replaced. The certificate must be valid at `at`, a Unix time in seconds.
///
/// # Errors
/// [`Error::CertificateNotYetValid`], [`Error::CertificateExpired`], [`Error::BadSignature`] if the certificate's key
/// did not sign this image, [`Error::SectionTooLarge`].
pub fn attach(image: &Image<'_>, signature_der: &[u8], certificate: Certificate, at: i64) -> Result<Vec<u8>, Error> {
    certificate.check_time(at)?;
    finish(image, certificate, fixed_size(signature_der).ok_or(Error::BadSignature)?)
}

/// Verifies a signed image, and returns its measurements.
///
/// The signature must be valid for the computed PCR0. The certificate must equal `certificate` and must be valid at
/// `at`, a Unix time in seconds. The issuer of the certificate is not checked.
///
/// # Errors
/// [`Error::NotSigned`], [`Error::OtherCertificate`], [`Error::SignedOtherImage`], [`Error::BadSignature`],
/// [`Error::CertificateNotYetValid`], [`Error::CertificateExpired`].
pub fn verify(image: &Image<'_>, certificate: &Certificate, at: i64) -> Result<Measurements, Error> {
    let signature = image.signature().ok_or(Error::NotSigned)?;
    if signature.certificate != *certificate {
        return Err(Error::OtherCertificate);
    }
    let measurements = Measurements::of(image)?;
    certificate.check_time(at)?;
    Ok(measurements)
}

fn key_pair(der: &PrivateKeyDer<'_>) -> Result<EcdsaKeyPair, Error> {
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    match der {
        PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(der) => EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der()),
        _ => return Err(Error::BadKey),
    }
    .map_err(|_| Error::BadKey)
}

/// Verifies the signature and writes the signed image.
fn finish(image: &Image<'_>, certificate: Certificate, signature: [u8; SIGNATURE_SIZE]) -> Result<Vec<u8>, Error> {
    let signature = Signature { certificate, pcr0: pcr0(image), signature };
    signature.verify(&signature.pcr0)?;
    assemble(image.kernel(), image.command_line(), image.ramdisk(), Some(&signature.to_section()?))
}

/// The signature r ‖ s of an ECDSA-Sig-Value.
fn fixed_size(der: &[u8]) -> Option<[u8; SIGNATURE_SIZE]> {
    let mut outer = Reader::new(der);
    let mut values = Reader::new(outer.value(der::SEQUENCE)?);
    outer.end()?;
    let mut out = [0; SIGNATURE_SIZE];
    for target in out.chunks_exact_mut(SIGNATURE_SIZE / 2) {
        let integer = values.value(der::INTEGER)?;
        let magnitude = integer.strip_prefix(&[0]).unwrap_or(integer);
        let start = target.len().checked_sub(magnitude.len())?;
        target.get_mut(start..)?.copy_from_slice(magnitude);
    }
    values.end()?;
    Some(out)
}
