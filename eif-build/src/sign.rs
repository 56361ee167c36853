//! Signing: in one step with a key file, or in three with a key that stays where it is.
//!
//! The bytes of [`crate::cose::to_be_signed`] go to `openssl dgst -sha384 -sign`, a PKCS #11 token or KMS
//! (ECDSA_SHA_384, message type RAW); the ECDSA-Sig-Value in DER that these give comes back to [`attach`].
//! A signature that does not hold is never written.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroize;

use crate::certificate::Certificate;
use crate::cose::{SIGNATURE, Signature, to_be_signed};
use crate::der::{self, Reader};
use crate::error::Error;
use crate::measure::{Measurements, pcr0};
use crate::read::Image;
use crate::write::assemble;

/// Signs with an unencrypted P-384 key in PEM (PKCS #8 or SEC 1); gives the signed file. A signature that was
/// there is replaced.
///
/// # Errors
/// [`Error::BadKey`], [`Error::KeyMismatch`].
pub fn sign(image: &Image<'_>, key_pem: &[u8], certificate: Certificate) -> Result<Vec<u8>, Error> {
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

/// Attaches a signature made elsewhere, an ECDSA-Sig-Value in DER (RFC 3279, 2.2.3); gives the signed file. A
/// signature that was there is replaced.
///
/// # Errors
/// [`Error::BadSignature`] where it is not the certificate's over this image.
pub fn attach(image: &Image<'_>, signature_der: &[u8], certificate: Certificate) -> Result<Vec<u8>, Error> {
    finish(image, certificate, fixed(signature_der).ok_or(Error::BadSignature)?)
}

/// Verifies a signed image: layout, PCR0 computed here, the signature over it, the certificate expected, its
/// validity at `at`, Unix time in seconds.
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

fn finish(image: &Image<'_>, certificate: Certificate, signature: [u8; SIGNATURE]) -> Result<Vec<u8>, Error> {
    let signature = Signature { certificate, pcr0: pcr0(image), signature };
    signature.verify(&signature.pcr0)?;
    assemble(image.kernel(), image.command_line(), image.ramdisk(), Some(&signature.to_section()?))
}

/// r ‖ s of an ECDSA-Sig-Value.
fn fixed(der: &[u8]) -> Option<[u8; SIGNATURE]> {
    let mut outer = Reader::new(der);
    let mut values = Reader::new(outer.value(der::SEQUENCE)?);
    outer.end()?;
    let mut out = [0; SIGNATURE];
    for half in out.chunks_exact_mut(SIGNATURE / 2) {
        let integer = values.value(der::INTEGER)?;
        let magnitude = integer.strip_prefix(&[0]).unwrap_or(integer);
        let start = half.len().checked_sub(magnitude.len())?;
        half.get_mut(start..)?.copy_from_slice(magnitude);
    }
    values.end()?;
    Some(out)
}
