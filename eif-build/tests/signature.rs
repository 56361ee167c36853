//! Signing an image, attaching a signature, verifying a signed image.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_hostile_bytes::{bit_flips, truncations};
use common::*;
use eif_build::{Certificate, Error, Image, Parts, attach, measure, sign};
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
    let file = sign(&Image::parse(&file).unwrap(), key.as_bytes(), certificate.clone(), THEN).unwrap();
    Signed { file, key, certificate }
}

fn verify(file: &[u8], certificate: &Certificate, at: i64) -> Result<eif_build::Measurements, Error> {
    eif_build::verify(&Image::parse(file)?, certificate, at)
}

#[test]
fn verifies_what_it_signs_and_measures_pcr8() {
    let signed = signed();
    let measured = verify(&signed.file, &signed.certificate, THEN).unwrap();
    let fingerprint: [u8; 48] = Sha384::digest(signed.certificate.der()).into();
    assert_eq!(measured.pcr8, Some(Sha384::digest([[0; 48], fingerprint].concat()).into()));
    assert_eq!(measured.pcr0, measure(&image()).unwrap().pcr0);
    assert_eq!(assemble(&sections(&signed.file)), signed.file);
}

/// AWS's library (aws-nitro-enclaves-image-format 0.8.1) wrote and signed this image, and printed these PCRs.
#[test]
fn verifies_an_image_that_aws_library_signed() {
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

/// `verify`, `sign`, `attach` and the check before a launch have the same rule.
#[test]
fn refuses_a_certificate_outside_its_validity() {
    let Signed { file, key, certificate } = signed();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    assert_eq!((first, last), (1_735_689_600, 1_767_225_600));
    let image = Image::parse(&file).unwrap();
    let (r, s) = image.signature().unwrap().signature.split_at(48);
    let signature = der_signature(r, s);
    let results = |at| {
        [
            verify(&file, &certificate, at).map(drop),
            sign(&image, key.as_bytes(), certificate.clone(), at).map(drop),
            attach(&image, &signature, certificate.clone(), at).map(drop),
            image.check_certificate_time(at),
        ]
    };
    for valid in [first, last] {
        assert_eq!(results(valid), [const { Ok(()) }; 4], "{valid}");
    }
    let (not_before, not_after) = (first, last);
    let early = Error::CertificateNotYetValid { not_before, not_after, at: first - 1 };
    let late = Error::CertificateExpired { not_before, not_after, at: last + 1 };
    for (at, error) in [(first - 1, &early), (last + 1, &late)] {
        for result in results(at) {
            assert_eq!(result.as_ref(), Err(error));
        }
        let text = error.to_string();
        assert!(text.contains("from 2025-01-01T00:00:00Z until 2026-01-01T00:00:00Z"), "{text}");
    }
    assert!(late.to_string().contains("the time is 2026-01-01T00:00:01Z"));
    // An image without a signature has no certificate.
    let unsigned = self::image();
    assert_eq!(Image::parse(&unsigned).unwrap().check_certificate_time(last + 1), Ok(()));
}

#[test]
fn refuses_an_unsigned_image_and_another_certificate() {
    let Signed { file, certificate, .. } = signed();
    assert_eq!(verify(&image(), &certificate, THEN).unwrap_err(), Error::NotSigned);
    let other = Certificate::from_pem(signer(&PKCS_ECDSA_P384_SHA384).1.as_bytes()).unwrap();
    assert_eq!(verify(&file, &other, THEN).unwrap_err(), Error::OtherCertificate);
}

/// Without this check anyone could give an image the PCR8 of a signer who did not sign it.
#[test]
fn refuses_the_signature_of_another_image() {
    let signature = sections(&signed().file).pop().unwrap();
    let (kernel, archive) = (kernel(4), archive());
    let other = eif_build::write(Parts { kernel: &kernel, command_line: LINE, archive: &archive }).unwrap();
    let mut parts = sections(&other);
    parts.push(signature);
    assert_eq!(measure(&assemble(&parts)).unwrap_err(), Error::SignedOtherImage);
}

#[test]
fn refuses_a_signature_or_a_key_that_is_not_the_certificates() {
    let ours = signed();
    let (_, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let image = Image::parse(&ours.file).unwrap();
    let other = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(sign(&image, ours.key.as_bytes(), other.clone(), THEN).unwrap_err(), Error::KeyMismatch);
    let (r, s) = image.signature().unwrap().signature.split_at(48);
    let der = der_signature(r, s);
    assert_eq!(attach(&image, &der, ours.certificate.clone(), THEN).unwrap(), ours.file);
    assert_eq!(attach(&image, &der, other, THEN).unwrap_err(), Error::BadSignature);
    for wrong in [&der[..der.len() - 1], &[], &[0x30, 0x00], &der_signature(&[0; 48], &[0; 48])] {
        assert_eq!(attach(&image, wrong, ours.certificate.clone(), THEN).unwrap_err(), Error::BadSignature);
    }
}

#[test]
fn refuses_keys_and_certificates_of_another_form() {
    let file = image();
    let image = Image::parse(&file).unwrap();
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let (small_key, small_pem) = signer(&PKCS_ECDSA_P256_SHA256);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(Certificate::from_pem(small_pem.as_bytes()), Err(Error::CertificateKey));
    for wrong in [small_key.as_str(), "", &pem, &key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")] {
        assert_eq!(sign(&image, wrong.as_bytes(), certificate.clone(), THEN), Err(Error::BadKey));
    }
    for wrong in ["", &key, &format!("{pem}{pem}"), &pem.replace("MII", "MIJ")] {
        assert_eq!(Certificate::from_pem(wrong.as_bytes()), Err(Error::BadCertificate), "{wrong}");
    }
    let der = certificate.der();
    for truncated in truncations(der) {
        let read = Certificate::from_der(truncated.to_vec());
        assert_eq!(read, Err(Error::BadCertificate), "{} bytes", truncated.len());
    }
    assert_eq!(Certificate::from_der([der, &[0]].concat()), Err(Error::BadCertificate));
    // Text around the certificate in a PEM file is accepted. An image holds the certificate in one form only.
    assert_eq!(Certificate::from_pem(format!("Certificate:\n{pem}\n").as_bytes()), Ok(certificate));
}

/// A flip breaks the form of the section, the certificate or the signature.
#[test]
fn refuses_every_flip_and_truncation_of_the_signature_section() {
    let Signed { file, certificate, .. } = signed();
    let pcr8 = measure(&file).unwrap().pcr8;
    let mut parts = sections(&file);
    let section = parts[4].1.clone();
    let mut with_section = |bytes: &[u8]| {
        parts[4].1 = bytes.to_vec();
        assemble(&parts)
    };
    for flip in bit_flips(&section) {
        let file = with_section(&flip.bytes);
        assert!(verify(&file, &certificate, THEN).is_err(), "{flip}");
        // `measure` knows no expected certificate. Another certificate with the same key gives another PCR8.
        if let Ok(measured) = measure(&file) {
            assert_ne!(measured.pcr8, pcr8, "{flip}");
        }
    }
    for truncated in truncations(&section) {
        assert!(Image::parse(&with_section(truncated)).is_err(), "{} bytes", truncated.len());
    }
    let longer = with_section(&[section.as_slice(), &[0]].concat());
    assert_eq!(Image::parse(&longer).unwrap_err(), Error::SignatureMalformed);
}

/// This happens when a certificate is renewed.
#[test]
fn signing_again_replaces_the_signature_and_keeps_pcr0() {
    let first = signed();
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let again = sign(&Image::parse(&first.file).unwrap(), key.as_bytes(), certificate.clone(), THEN).unwrap();
    let measured = verify(&again, &certificate, THEN).unwrap();
    assert_eq!(measured.sections.len(), 5);
    assert_eq!(measured.pcr0, measure(&first.file).unwrap().pcr0);
    assert_ne!(measured.pcr8, measure(&first.file).unwrap().pcr8);
}

/// Signing must not compress the ramdisk again.
#[test]
fn signing_keeps_the_ramdisk_of_another_compressor() {
    let mut parts = sections(&image());
    parts[3].1 = stored_ramdisk();
    let file = assemble(&parts);
    let (key, pem) = signer(&PKCS_ECDSA_P384_SHA384);
    let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
    let again = sign(&Image::parse(&file).unwrap(), key.as_bytes(), certificate, THEN).unwrap();
    assert_eq!(measure(&again).unwrap().pcr0, measure(&file).unwrap().pcr0);
    assert_eq!(sections(&again)[..4], parts);
    assert_ne!(measure(&file).unwrap().pcr0, measure(&image()).unwrap().pcr0);
}

/// An ECDSA-Sig-Value, as OpenSSL and KMS return it.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for integer in [r, s] {
        let start = integer.iter().position(|byte| *byte != 0).unwrap_or(integer.len() - 1);
        let sign = integer[start] >> 7;
        body.extend([2, (integer.len() - start) as u8 + sign]);
        body.extend(std::iter::repeat_n(0, sign.into()));
        body.extend(&integer[start..]);
    }
    [&[0x30, body.len() as u8], body.as_slice()].concat()
}
