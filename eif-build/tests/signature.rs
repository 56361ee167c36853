//! Signing, attaching, verifying.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use eif_build::certificate::Certificate;
use eif_build::write::Parts;
use eif_build::{Error, Image, measure, sign};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use sha2::{Digest, Sha384};

struct Signed {
    file: Vec<u8>,
    key: String,
    certificate: Certificate,
}

fn signed() -> Signed {
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let file = image();
    let file = sign::sign(&Image::parse(&file).unwrap(), key.as_bytes(), certificate.clone()).unwrap();
    Signed { file, key, certificate }
}

fn verify(file: &[u8], certificate: &Certificate, at: i64) -> Result<eif_build::Measurements, Error> {
    sign::verify(&Image::parse(file)?, certificate, at)
}

#[test]
fn signs_and_verifies() {
    let signed = signed();
    let measured = verify(&signed.file, &signed.certificate, THEN).unwrap();
    let fingerprint: [u8; 48] = Sha384::digest(signed.certificate.der()).into();
    assert_eq!(measured.pcr8, Some(Sha384::digest([[0; 48], fingerprint].concat()).into()));
    assert_eq!(measured.pcr0, measure(&image()).unwrap().pcr0);
    assert_eq!(assemble(&sections(&signed.file)), signed.file);
}

/// An image that AWS's library (aws-nitro-enclaves-image-format 0.8.1) wrote and signed, and the PCRs it printed.
#[test]
fn signed_by_aws_library() {
    let file = include_bytes!("vectors/aws-signed.eif");
    let image = Image::parse(file).unwrap();
    let certificate = image.signature().unwrap().certificate.clone();
    let measured = verify(file, &certificate, certificate.not_before()).unwrap();
    let hex = |pcr: &[u8]| data_encoding::HEXLOWER.encode(pcr);
    let pcr0 = "b8d1a077f8ce61cde26f3b93cb3a8c8697ef4b2b8a88af1db50de59fd5308945cef49cafdb7281091e725a2f8e55a99a";
    let pcr2 = "21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a";
    let pcr8 = "d63106bcd46a341eb2417993c47e3f621a0d9e03d43f5ce155bde03c04699b46a052079fb78a8eb453c34b7addf8c093";
    let pcrs: Vec<_> = measured.pcrs().into_iter().map(|(index, pcr)| (index, hex(pcr))).collect();
    assert_eq!(pcrs, [(0, pcr0.into()), (1, pcr0.into()), (2, pcr2.into()), (8, pcr8.into())]);
    assert_eq!(certificate.not_after() - certificate.not_before(), 2 * 24 * 3600);
}

#[test]
fn a_certificate_has_its_time() {
    let Signed { file, certificate, .. } = signed();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    assert_eq!((first, last), (1_735_689_600, 1_767_225_600));
    assert!(verify(&file, &certificate, first).is_ok());
    assert!(verify(&file, &certificate, last).is_ok());
    assert_eq!(verify(&file, &certificate, first - 1).unwrap_err().code(), "certificate-not-yet-valid");
    assert_eq!(verify(&file, &certificate, last + 1).unwrap_err().code(), "certificate-expired");
}

#[test]
fn what_is_not_verified() {
    let Signed { file, certificate, .. } = signed();
    assert_eq!(verify(&image(), &certificate, THEN).unwrap_err(), Error::NotSigned);
    let other = Certificate::from_pem(signer(&PKCS_ECDSA_P384_SHA384).1.as_bytes()).unwrap();
    assert_eq!(verify(&file, &other, THEN).unwrap_err(), Error::OtherCertificate);
}

/// The signature of one image carried to another: PCR8 is asserted by nobody.
#[test]
fn a_signature_of_another_image() {
    let signature = sections(&signed().file).pop().unwrap();
    let (kernel, archive) = (kernel(4), archive());
    let other = eif_build::write::write(Parts { kernel: &kernel, command_line: LINE, archive: &archive }).unwrap();
    let mut parts = sections(&other);
    parts.push(signature);
    assert_eq!(measure(&assemble(&parts)).unwrap_err(), Error::SignedOtherImage);
}

/// Signed by one key, carried beside another's certificate.
#[test]
fn a_signature_by_another_key() {
    let ours = signed();
    let (_, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let image = Image::parse(&ours.file).unwrap();
    let other = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(sign::sign(&image, ours.key.as_bytes(), other.clone()).unwrap_err(), Error::KeyMismatch);
    let (r, s) = image.signature().unwrap().signature.split_at(48);
    let der = der_signature(r, s);
    assert_eq!(sign::attach(&image, &der, ours.certificate.clone()).unwrap(), ours.file);
    assert_eq!(sign::attach(&image, &der, other).unwrap_err(), Error::BadSignature);
    for wrong in [&der[..der.len() - 1], &[], &[0x30, 0x00], &der_signature(&[0; 48], &[0; 48])] {
        assert_eq!(sign::attach(&image, wrong, ours.certificate.clone()).unwrap_err(), Error::BadSignature);
    }
}

#[test]
fn keys_and_certificates_that_do_not_serve() {
    let file = image();
    let image = Image::parse(&file).unwrap();
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let (small_key, small_pem) = signer(&PKCS_ECDSA_P256_SHA256);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(Certificate::from_pem(small_pem.as_bytes()), Err(Error::CertificateKey));
    for wrong in [small_key.as_str(), "", &pem, &key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")] {
        assert_eq!(sign::sign(&image, wrong.as_bytes(), certificate.clone()), Err(Error::BadKey));
    }
    for wrong in ["", &key, &format!("{pem}{pem}"), &pem.replace("MII", "MIJ")] {
        assert_eq!(Certificate::from_pem(wrong.as_bytes()), Err(Error::BadCertificate), "{wrong}");
    }
    let der = certificate.der();
    for length in 0..der.len() {
        assert_eq!(Certificate::from_der(der[..length].to_vec()), Err(Error::BadCertificate));
    }
    assert_eq!(Certificate::from_der([der, &[0]].concat()), Err(Error::BadCertificate));
    // Text around the one certificate is the file's affair: in the image it has one form.
    assert_eq!(Certificate::from_pem(format!("Certificate:\n{pem}\n").as_bytes()), Ok(certificate));
}

/// Every bit of the signature section: refused, for its form, its certificate or its signature.
#[test]
fn every_flip_of_the_section() {
    let Signed { file, certificate, .. } = signed();
    let good = sections(&file);
    let length = good[4].1.len();
    let pcr8 = measure(&file).unwrap().pcr8;
    for at in 0..length {
        for bit in 0..8 {
            let mut parts = good.clone();
            parts[4].1[at] ^= 1 << bit;
            let file = assemble(&parts);
            assert!(verify(&file, &certificate, THEN).is_err(), "byte {at}, bit {bit}");
            // Without a certificate to hold it against: another certificate with the same key is another PCR8.
            if let Ok(measured) = measure(&file) {
                assert_ne!(measured.pcr8, pcr8, "byte {at}, bit {bit}");
            }
        }
    }
    for at in 1..length {
        let mut parts = good.clone();
        parts[4].1.truncate(at);
        assert!(Image::parse(&assemble(&parts)).is_err(), "{at}");
    }
    let mut parts = good;
    parts[4].1.push(0);
    assert_eq!(Image::parse(&assemble(&parts)).unwrap_err(), Error::SignatureMalformed);
}

/// Signing again, when a certificate is renewed, replaces the signature and leaves PCR0.
#[test]
fn signed_again() {
    let first = signed();
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let again = sign::sign(&Image::parse(&first.file).unwrap(), key.as_bytes(), certificate.clone()).unwrap();
    let measured = verify(&again, &certificate, THEN).unwrap();
    assert_eq!(measured.sections.len(), 5);
    assert_eq!(measured.pcr0, measure(&first.file).unwrap().pcr0);
    assert_ne!(measured.pcr8, measure(&first.file).unwrap().pcr8);
}

/// What is signed are the bytes that were measured, not what would be made of them today.
#[test]
fn another_compressors_ramdisk_stays() {
    let mut parts = sections(&image());
    parts[3].1 = stored_ramdisk();
    let file = assemble(&parts);
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let again = sign::sign(&Image::parse(&file).unwrap(), key.as_bytes(), certificate).unwrap();
    assert_eq!(measure(&again).unwrap().pcr0, measure(&file).unwrap().pcr0);
    assert_eq!(sections(&again)[..4], parts);
    assert_ne!(measure(&file).unwrap().pcr0, measure(&image()).unwrap().pcr0);
}

/// ECDSA-Sig-Value, as OpenSSL and KMS give it.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for half in [r, s] {
        let start = half.iter().position(|byte| *byte != 0).unwrap_or(half.len() - 1);
        let sign = half[start] >> 7;
        body.extend([2, (half.len() - start) as u8 + sign]);
        body.extend(std::iter::repeat_n(0, sign.into()));
        body.extend(&half[start..]);
    }
    [&[0x30, body.len() as u8], body.as_slice()].concat()
}
