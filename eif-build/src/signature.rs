//! The signature section: a COSE_Sign1 (RFC 9052) over PCR0, and the signer's certificate.
//!
//! AWS's tools define the form:
//!
//! - The section is a CBOR array of one map: `{"signing_certificate": PEM, "signature": COSE_Sign1}`. Both values are
//!   arrays of integers, one for each byte.
//! - The COSE_Sign1 is untagged. Its protected header is `{1: -35}` (ES384). Its unprotected header is empty.
//! - The payload is `{"register_index": 0, "register_value": PCR0}`, with PCR0 as an array of integers.
//!
//! The reader decodes a section, encodes the result again, and refuses the section if the bytes differ. Each signature
//! has therefore exactly one encoding.

use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decoder, Encoder};

use crate::certificate::Certificate;
use crate::error::Error;
use crate::pcr::Pcr;

/// The size of an ES384 signature r ‖ s, in bytes.
pub(crate) const SIGNATURE_SIZE: usize = 96;

/// The protected header `{1: -35}`, encoded.
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// A signature over a PCR0, with the signer's certificate.
///
/// A value of this type proves the form of the section only. [`Signature::verify`] verifies the signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The signer's certificate.
    pub certificate: Certificate,
    /// The PCR0 that was signed.
    pub pcr0: Pcr,
    /// The ES384 signature r ‖ s, 96 bytes.
    pub signature: [u8; SIGNATURE_SIZE],
}

impl Signature {
    /// Reads a signature section. The signature is not verified.
    ///
    /// # Errors
    /// [`Error::SignatureMalformed`], [`Error::BadCertificate`], [`Error::CertificateKey`].
    pub(crate) fn from_section(section: &[u8]) -> Result<Self, Error> {
        let (pem, cose) = decode_section(section).ok_or(Error::SignatureMalformed)?;
        let certificate = Certificate::from_pem(&pem)?;
        let (pcr0, signature) = decode_cose(&cose).ok_or(Error::SignatureMalformed)?;
        let decoded = Self { certificate, pcr0, signature };
        if decoded.to_section()? != section {
            return Err(Error::SignatureMalformed);
        }
        Ok(decoded)
    }

    /// The bytes of the signature section.
    ///
    /// # Errors
    /// Never: writing to memory does not fail.
    pub(crate) fn to_section(&self) -> Result<Vec<u8>, Error> {
        self.encode().map_err(|_| Error::SignatureMalformed)
    }

    /// Verifies the signature with the certificate's key over `pcr0`, which the caller computed.
    ///
    /// The certificate itself is not checked: neither its issuer nor its validity.
    ///
    /// # Errors
    /// [`Error::SignedOtherImage`], [`Error::BadSignature`].
    pub fn verify(&self, pcr0: &Pcr) -> Result<(), Error> {
        if self.pcr0 != *pcr0 {
            return Err(Error::SignedOtherImage);
        }
        let key = self.certificate.public_key();
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED, key)
            .verify(&to_be_signed(pcr0)?, &self.signature)
            .map_err(|_| Error::BadSignature)
    }

    fn encode(&self) -> Result<Vec<u8>, EncodeError<std::convert::Infallible>> {
        let mut cose = Encoder::new(Vec::new());
        cose.array(4)?.bytes(&PROTECTED)?.map(0)?.bytes(&payload(&self.pcr0)?)?.bytes(&self.signature)?;
        let mut section = Encoder::new(Vec::new());
        section.array(1)?.map(2)?;
        integers(section.str("signing_certificate")?, self.certificate.to_pem().as_bytes())?;
        integers(section.str("signature")?, cose.writer())?;
        Ok(section.into_writer())
    }
}

/// The bytes that a signer signs with ECDSA and SHA-384 for an image with this PCR0: a Sig_structure (RFC 9052, 4.4).
///
/// # Errors
/// Never: writing to memory does not fail.
pub fn to_be_signed(pcr0: &Pcr) -> Result<Vec<u8>, Error> {
    let encode = || -> Result<Vec<u8>, EncodeError<std::convert::Infallible>> {
        let mut out = Encoder::new(Vec::new());
        out.array(4)?.str("Signature1")?.bytes(&PROTECTED)?.bytes(&[])?.bytes(&payload(pcr0)?)?;
        Ok(out.into_writer())
    };
    encode().map_err(|_| Error::SignatureMalformed)
}

/// The payload of a signature over this PCR0.
///
/// # Errors
/// Never: writing to memory does not fail.
pub(crate) fn payload(pcr0: &Pcr) -> Result<Vec<u8>, EncodeError<std::convert::Infallible>> {
    let mut out = Encoder::new(Vec::new());
    out.map(2)?.str("register_index")?.u8(0)?;
    integers(out.str("register_value")?, pcr0)?;
    Ok(out.into_writer())
}

fn integers<W: Write>(out: &mut Encoder<W>, bytes: &[u8]) -> Result<(), EncodeError<W::Error>> {
    out.array(bytes.len() as u64)?;
    for byte in bytes {
        out.u8(*byte)?;
    }
    Ok(())
}

/// The certificate (PEM) and the COSE_Sign1. This decoder is lax. The caller compares with the only valid encoding.
fn decode_section(section: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut input = Decoder::new(section);
    if input.array().ok()? != Some(1) || input.map().ok()? != Some(2) {
        return None;
    }
    input.str().ok()?;
    let pem = decode_integers(&mut input)?;
    input.str().ok()?;
    Some((pem, decode_integers(&mut input)?))
}

/// PCR0 and the signature. This decoder is as lax.
fn decode_cose(cose: &[u8]) -> Option<(Pcr, [u8; SIGNATURE_SIZE])> {
    let mut input = Decoder::new(cose);
    if input.array().ok()? != Some(4) {
        return None;
    }
    input.bytes().ok()?;
    input.map().ok()?;
    let mut payload = Decoder::new(input.bytes().ok()?);
    let signature = input.bytes().ok()?.try_into().ok()?;
    payload.map().ok()?;
    payload.str().ok()?;
    payload.u8().ok()?;
    payload.str().ok()?;
    Some((decode_integers(&mut payload)?.try_into().ok()?, signature))
}

/// The bytes of an array of integers. Memory grows with the integers read, not with the claimed length.
fn decode_integers(input: &mut Decoder<'_>) -> Option<Vec<u8>> {
    let count = input.array().ok()??;
    let mut bytes = Vec::new();
    for _ in 0..count {
        bytes.push(input.u8().ok()?);
    }
    Some(bytes)
}
