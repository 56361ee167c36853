//! A signature section in any encoding that AWS's tools read.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    UnparsedPublicKey,
};
use minicbor::data::Type;
use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::certificate::{Fields, P384_SPKI};
use crate::error::Error;
use crate::pcr::Pcr;
use crate::signature::payload;

/// The DER of a SubjectPublicKeyInfo (RFC 5480), up to the point, for P-256 and P-521.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P521_SPKI: [u8; 25] = [
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
];

/// The tag of a COSE_Sign1 (RFC 9052, 2). It may be absent.
const COSE_SIGN1: u64 = 18;

/// The first signature of a section, and its certificate.
///
/// A value of this type proves nothing. `SectionSignature::verify` verifies the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionSignature {
    /// The DER of the certificate, as it is in the PEM text. It may be malformed.
    pub certificate: Vec<u8>,
    /// The first and the last second at which the certificate is valid, as Unix time. `None` if it is malformed.
    pub validity: Option<(i64, i64)>,
    cose: Vec<u8>,
}

impl SectionSignature {
    /// Reads a signature section. Of several signatures AWS's tools use the first.
    ///
    /// # Errors
    /// [`Error::SignatureMalformed`], or [`Error::BadCertificate`] if there is no certificate in PEM.
    pub(super) fn read(section: &[u8]) -> Result<Self, Error> {
        let (pem, cose) = first_of(section).ok_or(Error::SignatureMalformed)?;
        let der = CertificateDer::pem_slice_iter(&pem).next().and_then(Result::ok).ok_or(Error::BadCertificate)?;
        let validity = Fields::read(&der).map(|fields| (fields.not_before, fields.not_after));
        Ok(Self { certificate: der.to_vec(), validity, cose })
    }

    /// Verifies the signature with the certificate's key over `pcr0`, which the caller computed. Neither the issuer of
    /// the certificate nor its validity is checked.
    ///
    /// # Errors
    /// [`Error::SignatureMalformed`], [`Error::BadCertificate`], [`Error::CertificateKey`] if the key is not on P-256,
    /// P-384 or P-521, [`Error::BadSignature`], [`Error::SignedOtherImage`].
    pub(super) fn verify(&self, pcr0: &Pcr) -> Result<(), Error> {
        let fields = Fields::read(&self.certificate).ok_or(Error::BadCertificate)?;
        let (algorithm, number, point) = key(fields.key).ok_or(Error::CertificateKey)?;
        let signed = Sign1::read(&self.cose).ok_or(Error::SignatureMalformed)?;
        if algorithm_of(signed.protected) != Some(number) {
            return Err(Error::BadSignature);
        }
        let bytes = signed.to_be_signed().map_err(|_| Error::SignatureMalformed)?;
        UnparsedPublicKey::new(algorithm, point).verify(&bytes, signed.signature).map_err(|_| Error::BadSignature)?;
        // AWS's tools compare the encoded payloads.
        let expected = payload(pcr0).map_err(|_| Error::SignatureMalformed)?;
        if signed.payload == expected { Ok(()) } else { Err(Error::SignedOtherImage) }
    }
}

/// The algorithm of a SubjectPublicKeyInfo, its COSE number (RFC 9053, 2.1) and the point.
fn key(spki: &[u8]) -> Option<(&'static EcdsaVerificationAlgorithm, i64, &[u8])> {
    let known: [(&[u8], &'static EcdsaVerificationAlgorithm, i64); 3] = [
        (&P256_SPKI, &ECDSA_P256_SHA256_FIXED, -7),
        (&P384_SPKI, &ECDSA_P384_SHA384_FIXED, -35),
        (&P521_SPKI, &ECDSA_P521_SHA512_FIXED, -36),
    ];
    known.into_iter().find_map(|(prefix, algorithm, number)| Some((algorithm, number, spki.strip_prefix(prefix)?)))
}

/// A COSE_Sign1 (RFC 9052, 4.2).
struct Sign1<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Sign1<'a> {
    fn read(cose: &'a [u8]) -> Option<Self> {
        let mut input = Decoder::new(cose);
        if input.datatype().ok()? == Type::Tag && input.tag().ok()?.as_u64() != COSE_SIGN1 {
            return None;
        }
        if input.array().ok()? != Some(4) {
            return None;
        }
        let protected = input.bytes().ok()?;
        input.skip().ok()?;
        Some(Self { protected, payload: input.bytes().ok()?, signature: input.bytes().ok()? })
    }

    /// The Sig_structure (RFC 9052, 4.4), with the protected header as it was read.
    fn to_be_signed(&self) -> Result<Vec<u8>, EncodeError<std::convert::Infallible>> {
        let mut out = Encoder::new(Vec::new());
        out.array(4)?.str("Signature1")?.bytes(self.protected)?.bytes(&[])?.bytes(self.payload)?;
        Ok(out.into_writer())
    }
}

/// The number of the algorithm in a protected header.
fn algorithm_of(protected: &[u8]) -> Option<i64> {
    let mut input = Decoder::new(protected);
    let mut left = input.map().ok()?;
    while more(&mut input, &mut left)? {
        if input.i64().ok()? == 1 {
            return input.i64().ok();
        }
        input.skip().ok()?;
    }
    None
}

/// The certificate (PEM) and the COSE_Sign1 of the first signature in a section.
fn first_of(section: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut input = Decoder::new(section);
    let mut signatures = input.array().ok()?;
    if !more(&mut input, &mut signatures)? {
        return None;
    }
    let (mut pem, mut cose) = (None, None);
    let mut left = input.map().ok()?;
    while more(&mut input, &mut left)? {
        match input.str().ok()? {
            "signing_certificate" => pem = Some(bytes(&mut input)?),
            "signature" => cose = Some(bytes(&mut input)?),
            _ => input.skip().ok()?,
        }
    }
    pem.zip(cose)
}

/// A byte string, or an array of integers from 0 to 255. Memory grows with the bytes read, not with the claimed length.
fn bytes(input: &mut Decoder<'_>) -> Option<Vec<u8>> {
    if input.datatype().ok()? == Type::Bytes {
        return input.bytes().ok().map(<[u8]>::to_vec);
    }
    let mut left = input.array().ok()?;
    let mut bytes = Vec::new();
    while more(input, &mut left)? {
        bytes.push(input.u8().ok()?);
    }
    Some(bytes)
}

/// Whether an array or a map has another item. `left` is the number of items, or `None` if a break ends it.
fn more(input: &mut Decoder<'_>, left: &mut Option<u64>) -> Option<bool> {
    match left {
        Some(0) => Some(false),
        Some(count) => {
            *count -= 1;
            Some(true)
        }
        None if input.datatype().ok()? == Type::Break => {
            input.skip().ok()?;
            Some(false)
        }
        None => Some(true),
    }
}
