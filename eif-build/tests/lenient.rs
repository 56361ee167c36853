//! The lenient reader: it shows every file, names each deviation, and agrees with the strict reader about which files
//! have none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm,
};
use capelet_hostile_bytes::{bit_flips, byte_flips, truncations};
use common::*;
use eif_build::lenient::{FoundBy, Survey, report};
use eif_build::{gzip, measure};
use minicbor::Encoder;
use proptest::prelude::*;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha384};

const AWS_SIGNED: &[u8] = include_bytes!("vectors/aws-signed.eif");

fn extend(parts: &[&[u8]]) -> [u8; 48] {
    let digest = Sha384::digest(parts.concat());
    Sha384::digest([&[0; 48], digest.as_slice()].concat()).into()
}

fn codes(survey: &Survey<'_>) -> Vec<&'static str> {
    survey.deviations().iter().map(eif_build::Error::code).collect()
}

/// The deviations of a file with these sections.
fn deviations(change: impl Fn(&mut Sections)) -> Vec<&'static str> {
    let mut parts = sections(&image());
    change(&mut parts);
    codes(&Survey::of(&assemble(&parts)).unwrap())
}

/// Both readers must agree about a file: the strict one accepts it exactly if the lenient one finds no deviation, and the
/// strict one's error is among the deviations. Both reports must be possible.
fn check(file: &[u8]) {
    let strict = measure(file);
    let survey = match Survey::of(file) {
        Ok(survey) => survey,
        Err(error) => {
            assert_eq!(strict.unwrap_err(), error);
            return;
        }
    };
    match &strict {
        Ok(measured) => {
            assert_eq!(survey.deviations(), []);
            let pcrs = survey.pcrs().unwrap();
            assert_eq!((pcrs.pcr0, pcrs.pcr1, pcrs.pcr2), (measured.pcr0, measured.pcr1, measured.pcr2));
            let signature = survey.signature().map(|signature| signature.as_ref().unwrap());
            assert_eq!(signature.map(|signature| signature.pcr8), measured.pcr8);
            assert!(signature.is_none_or(|signature| signature.verdict.is_ok()));
            assert_eq!((survey.not_as_aws(), survey.pcrs_by_offsets()), (None, None));
        }
        Err(error) => assert!(survey.deviations().contains(error), "{error:?}: {:?}", survey.deviations()),
    }
    let text = report::text(&survey);
    assert!(text.chars().all(|shown| shown == '\n' || capelet_cli::printable::is_plain(shown)), "{text:?}");
    assert!(report::json(&survey)["deviations"].is_array());
}

#[test]
fn agrees_with_the_strict_reader_about_valid_images() {
    check(&image());
    check(AWS_SIGNED);
    assert_eq!(Survey::of(AWS_SIGNED).unwrap().found_by(), FoundBy::Sequence);
}

#[test]
fn answers_every_truncation_and_bit_flip() {
    for file in [image(), AWS_SIGNED.to_vec()] {
        for truncated in truncations(&file) {
            check(truncated);
        }
        for flip in byte_flips(&file, 0xff) {
            check(&flip.bytes);
        }
    }
    // With a correct CRC: the header, and the headers and first bytes of the sections.
    let file = image();
    let parts = sections(&file);
    let mut interesting: BTreeSet<_> = (0..HEADER).collect();
    let mut at = HEADER;
    for (_, body) in &parts {
        interesting.extend(at..at + 12 + body.len().min(32));
        at += 12 + body.len();
    }
    for flip in bit_flips(&file).filter(|flip| interesting.contains(&flip.at)) {
        let mut bytes = flip.bytes;
        repair_crc(&mut bytes);
        check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any bytes behind the magic, and any sections with any headers.
    #[test]
    fn answers_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..2048),
        parts in prop::collection::vec((0u16..8, prop::collection::vec(any::<u8>(), 0..64)), 0..40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        check(&bytes);
        check(&[b".eif", &bytes[..]].concat());
        let slots = parts.len().min(32);
        let mut file = assemble(&parts[..slots]);
        for (_, body) in &parts[slots..] {
            file.extend([0, 3, 0, 0]);
            file.extend((body.len() as u64).to_be_bytes());
            file.extend(body);
        }
        for (at, value) in &changes {
            let at = at.index(file.len());
            file[at] = *value;
        }
        check(&file);
        repair_crc(&mut file);
        check(&file);
    }

    /// Sections of a valid image, in any order and number, changed in a few bytes.
    #[test]
    fn agrees_with_the_strict_reader_about_changed_images(
        order in prop::collection::vec(0usize..5, 0..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let parts = sections(AWS_SIGNED);
        let chosen: Vec<_> = order.iter().map(|index| parts[*index].clone()).collect();
        let mut file = assemble(&chosen);
        for (at, value) in &changes {
            let at = at.index(file.len());
            file[at] = *value;
        }
        repair_crc(&mut file);
        check(&file);
    }
}

#[test]
fn names_each_deviation_of_sections() {
    assert_eq!(deviations(|_| {}), [""; 0]);
    assert_eq!(deviations(|s| s.swap(2, 3)), ["section-order", "section-order"]);
    assert_eq!(deviations(|s| s.insert(4, (RAMDISK, ramdisk()))), ["duplicate-section"]);
    assert_eq!(deviations(|s| s.insert(4, (RAMDISK, archive()))), ["duplicate-section"]);
    assert_eq!(deviations(|s| s.truncate(3)), ["missing-section"]);
    assert_eq!(deviations(|s| drop(s.remove(2))), ["section-order", "missing-section"]);
    assert_eq!(deviations(|s| s[1].1.clear()), ["empty-section"]);
    assert_eq!(deviations(|s| s[1].1 = vec![b'x'; 2048]), ["section-too-large"]);
    assert_eq!(deviations(|s| s[1].1[3] = b'\n'), ["command-line"]);
    assert_eq!(deviations(|s| s[2].1 = b"{}".to_vec()), ["metadata-not-canonical"]);
    assert_eq!(deviations(|s| s[0].1[0x202] = 0), ["not-a-kernel"]);
    assert_eq!(deviations(|s| s[0].1.extend([0; 16])), ["kernel-length"]);
    assert_eq!(deviations(|s| s[3].1 = archive()), ["gzip-header"]);
    assert_eq!(deviations(|s| s[3].1.push(0)), ["gzip-stream"]);
    assert_eq!(deviations(|s| s[3].1 = gzip::compress(b"no archive")), ["cpio-not-canonical"]);
    assert_eq!(deviations(|s| s.push((SIGNATURE, vec![0x80]))), ["signature-malformed"]);
    assert_eq!(deviations(|s| s.push((9, vec![]))), ["unknown-section"]);
}

#[test]
fn names_each_deviation_of_the_header() {
    let with = |at: usize, bytes: &[u8]| {
        let mut file = image();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        repair_crc(&mut file);
        codes(&Survey::of(&file).unwrap())
    };
    for version in [0, 1, 2, 3, 5] {
        assert_eq!(with(5, &[version]), ["unsupported-version"]);
    }
    assert_eq!(with(7, &[1]), ["unknown-flags"]);
    for at in [15, 23, 25, offset_field(31), offset_field(31) + 256, 540] {
        assert_eq!(with(at, &[1]), ["header-not-canonical"], "{at}");
    }
    assert_eq!(with(HEADER + 3, &[1]), ["unknown-flags"]);
    assert_eq!(with(27, &[3]), ["header-not-canonical", "header-not-canonical", "trailing-bytes"]);
    assert_eq!(with(27, &[5]), ["wrong-offset", "truncated"]);
    assert_eq!(with(27, &[33])[0], "section-count");
    let mut file = image();
    file[CRC_AT] ^= 1;
    assert_eq!(codes(&Survey::of(&file).unwrap()), ["wrong-crc"]);
}

/// The test computes the formula by itself.
#[test]
fn measures_several_ramdisks_and_any_order_as_aws_does() {
    let (kernel, second) = (kernel(3), archive());
    let mut parts = sections(&image());
    parts.extend([(RAMDISK, second.clone()), (RAMDISK, b"third".to_vec())]);
    let file = assemble(&parts);
    let survey = Survey::of(&file).unwrap();
    let pcrs = survey.pcrs().unwrap();
    let (line, first) = (LINE.as_bytes(), ramdisk());
    assert_eq!(pcrs.pcr0, extend(&[&kernel, line, &first, &second, b"third"]));
    assert_eq!(pcrs.pcr1, extend(&[&kernel, line, &first]));
    assert_eq!(pcrs.pcr2, extend(&[&second, b"third"]));
    assert_eq!((survey.not_as_aws(), survey.pcrs_by_offsets()), (None, None));

    parts.swap(0, 4);
    let file = assemble(&parts);
    let survey = Survey::of(&file).unwrap();
    assert_eq!(survey.pcrs().unwrap().pcr0, extend(&[&second, line, &first, &kernel, b"third"]));
    assert_eq!(survey.pcrs().unwrap().pcr1, extend(&[&second, line, &kernel]));
}

/// AWS's tools do not come past a gap. The offsets in the header lead over it.
#[test]
fn follows_the_offsets_where_aws_tools_stop() {
    let parts = sections(&image());
    let mut file = image();
    let cmdline_at = HEADER + 12 + parts[0].1.len();
    file.splice(cmdline_at..cmdline_at, [0; 16]);
    for slot in 1..4 {
        let at = offset_field(slot);
        let offset = u64::from_be_bytes(file[at..at + 8].try_into().unwrap()) + 16;
        file[at..at + 8].copy_from_slice(&offset.to_be_bytes());
    }
    repair_crc(&mut file);
    let survey = Survey::of(&file).unwrap();
    assert_eq!(survey.found_by(), FoundBy::Offsets);
    assert_eq!(codes(&survey), ["wrong-offset", "unknown-section"]);
    assert!(survey.not_as_aws().unwrap().starts_with("AWS's tools do not read this file: "));
    assert_eq!(survey.pcrs().unwrap().pcr0, measure(&image()).unwrap().pcr0);
}

/// The header leads to another kernel than the one that AWS's tools find.
#[test]
fn shows_both_measurements_if_sequence_and_offsets_differ() {
    let mut parts = sections(&image());
    let other = kernel(5);
    parts.push((KERNEL, other.clone()));
    let mut file = assemble(&parts);
    file.copy_within(offset_field(4)..offset_field(4) + 8, offset_field(0));
    file.copy_within(offset_field(4) + 256..offset_field(4) + 264, offset_field(0) + 256);
    file[27] = 4;
    repair_crc(&mut file);
    let survey = Survey::of(&file).unwrap();
    assert_eq!(survey.found_by(), FoundBy::Sequence);
    let line = LINE.as_bytes();
    assert_eq!(survey.pcrs().unwrap().pcr0, extend(&[&kernel(3), line, &ramdisk(), &other]));
    assert_eq!(survey.pcrs_by_offsets().unwrap().pcr0, extend(&[&other, line, &ramdisk()]));
    assert!(codes(&survey).starts_with(&[
        "header-not-canonical",
        "header-not-canonical",
        "wrong-offset",
        "section-size"
    ]));
}

/// A size is compared with the bytes present before it is used.
#[test]
fn answers_sizes_beyond_the_file() {
    for size in [u64::MAX, 1 << 40, 1 << 25] {
        let mut file = image();
        file[offset_field(0) + 256..][..8].copy_from_slice(&size.to_be_bytes());
        file[HEADER + 4..][..8].copy_from_slice(&size.to_be_bytes());
        let survey = Survey::of(&file).unwrap();
        assert_eq!(survey.found_by(), FoundBy::Part);
        assert!(survey.pcrs().is_err());
        assert!(codes(&survey).contains(&"truncated"));
        assert!(report::text(&survey).starts_with("EIF version 4, x86_64\nno PCRs, because "));
    }
}

#[test]
fn shows_arm64_kernels_metadata_and_forms_of_ramdisks() {
    let mut parts = sections(&image());
    parts[0].1 = vec![0; 64];
    parts[0].1[0x38..0x3c].copy_from_slice(b"ARM\x64");
    parts[2].1 = br#"{"ImageName":"theirs","ImageVersion":"7","BuildMetadata":{"BuildTime":"2025-01-01T00:00:00+00:00","BuildTool":"nitro-cli","BuildToolVersion":"1.4.2","OperatingSystem":"Linux","KernelVersion":"4.14"},"DockerInfo":{"Id":"sha256:ab"},"CustomMetadata":null}"#.to_vec();
    parts.push((RAMDISK, b"\xfd7zXZ\0".to_vec()));
    let mut file = assemble(&parts);
    file[7] = 1;
    repair_crc(&mut file);
    let survey = Survey::of(&file).unwrap();
    assert_eq!(codes(&survey), ["unknown-flags", "duplicate-section", "metadata-not-canonical", "not-a-kernel"]);
    let json = report::json(&survey);
    assert_eq!(json["architecture"], "aarch64");
    assert_eq!(json["metadata"]["DockerInfo"]["Id"], "sha256:ab");
    let forms: Vec<_> =
        json["found_sections"].as_array().unwrap().iter().map(|section| section["form"].as_str()).collect();
    assert_eq!(forms, [Some("arm64 Image"), None, None, Some("gzip"), Some("xz")]);
    assert_eq!(json["not_as_aws_tools"], serde_json::Value::Null);
    let text = report::text(&survey);
    for line in ["EIF version 4, aarch64\n", "  built by: nitro-cli\n", "  image: theirs\n", "not signed\n"] {
        assert!(text.contains(line), "{text}");
    }

    for (metadata, reads) in [("null", true), ("{}", false), ("[]", false), ("{", false), ("", false)] {
        parts[2].1 = metadata.into();
        let file = assemble(&parts);
        assert_eq!(Survey::of(&file).unwrap().not_as_aws().is_none(), reads, "{metadata}");
    }
}

/// A signature section as another encoder could write it: byte strings, another order, further members, a tag.
fn section_of(pem: &str, key_pem: &str, algorithm: &'static EcdsaSigningAlgorithm, number: i8, pcr0: &[u8]) -> Vec<u8> {
    let mut protected = Encoder::new(Vec::new());
    protected.map(2).unwrap().u8(3).unwrap().u8(0).unwrap().u8(1).unwrap().i8(number).unwrap();
    let protected = protected.into_writer();
    let mut payload = Encoder::new(Vec::new());
    payload
        .map(2)
        .unwrap()
        .str("register_index")
        .unwrap()
        .u8(0)
        .unwrap()
        .str("register_value")
        .unwrap()
        .array(48)
        .unwrap();
    for byte in pcr0 {
        payload.u8(*byte).unwrap();
    }
    let payload = payload.into_writer();
    let mut tbs = Encoder::new(Vec::new());
    tbs.array(4).unwrap().str("Signature1").unwrap().bytes(&protected).unwrap().bytes(&[]).unwrap();
    tbs.bytes(&payload).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der()).unwrap();
    let signature = key.sign(&SystemRandom::new(), &tbs.into_writer()).unwrap();
    let mut cose = Encoder::new(Vec::new());
    cose.tag(minicbor::data::Tag::new(18)).unwrap().array(4).unwrap().bytes(&protected).unwrap().map(0).unwrap();
    cose.bytes(&payload).unwrap().bytes(signature.as_ref()).unwrap();
    let mut section = Encoder::new(Vec::new());
    section.begin_array().unwrap().map(3).unwrap().str("comment").unwrap().array(1).unwrap().null().unwrap();
    section.str("signature").unwrap().bytes(&cose.into_writer()).unwrap();
    section.str("signing_certificate").unwrap().begin_array().unwrap();
    for byte in pem.bytes() {
        section.u8(byte).unwrap();
    }
    section.end().unwrap().end().unwrap();
    section.into_writer()
}

#[test]
fn verifies_signatures_in_other_encodings_and_on_other_curves() {
    let mut parts = sections(&image());
    parts.push((RAMDISK, b"second".to_vec()));
    let pcr0 = Survey::of(&assemble(&parts)).unwrap().pcrs().unwrap().pcr0;
    for (curve, algorithm, number) in [
        (&PKCS_ECDSA_P256_SHA256, &ECDSA_P256_SHA256_FIXED_SIGNING, -7),
        (&PKCS_ECDSA_P384_SHA384, &ECDSA_P384_SHA384_FIXED_SIGNING, -35),
        (&PKCS_ECDSA_P521_SHA512, &ECDSA_P521_SHA512_FIXED_SIGNING, -36),
    ] {
        let (key, certificate) = signer(curve);
        let der = rustls_pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let verdict = |section: Vec<u8>| {
            let mut parts = parts.clone();
            parts.push((SIGNATURE, section));
            let file = assemble(&parts);
            let survey = Survey::of(&file).unwrap();
            assert_eq!(survey.pcrs().unwrap().pcr0, pcr0);
            assert!(codes(&survey).contains(&"signature-malformed"), "{:?}", codes(&survey));
            let signature = survey.signature().unwrap().as_ref().unwrap();
            assert_eq!(signature.pcr8, extend(&[&der]));
            assert_eq!(signature.last.validity, Some((1_735_689_600, 1_767_225_600)));
            let shown = report::json(&survey);
            assert_eq!(shown["signature"]["verified"], signature.verdict.is_ok());
            assert!(shown["pcrs"]["PCR8"].is_string());
            let text = report::text(&survey);
            assert_eq!(text.contains("  signature verified\n"), signature.verdict.is_ok(), "{text}");
            assert_eq!(text.contains("  NOT verified: "), signature.verdict.is_err(), "{text}");
            signature.verdict.clone().err().map(|error| error.code())
        };
        assert_eq!(verdict(section_of(&certificate, &key, algorithm, number, &pcr0)), None);
        assert_eq!(verdict(section_of(&certificate, &key, algorithm, number, &[7; 48])), Some("signed-other-image"));
        assert_eq!(verdict(section_of(&certificate, &key, algorithm, -1, &pcr0)), Some("bad-signature"));
        let (other, _) = signer(curve);
        assert_eq!(verdict(section_of(&certificate, &other, algorithm, number, &pcr0)), Some("bad-signature"));
    }
}

/// AWS's tools hash the certificates of all signature sections, and verify the last one.
#[test]
fn measures_several_signature_sections_as_aws_does() {
    let pcr0 = measure(&image()).unwrap().pcr0;
    let signed = |valid: bool| {
        let (key, certificate) = signer(&PKCS_ECDSA_P384_SHA384);
        let der = rustls_pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec();
        let signed = if valid { pcr0 } else { [7; 48] };
        (der, section_of(&certificate, &key, &ECDSA_P384_SHA384_FIXED_SIGNING, -35, &signed))
    };
    let (one, two) = (signed(false), signed(true));
    let mut parts = sections(&image());
    parts.extend([(SIGNATURE, one.1), (SIGNATURE, two.1)]);
    let file = assemble(&parts);
    let survey = Survey::of(&file).unwrap();
    let signature = survey.signature().unwrap().as_ref().unwrap();
    assert_eq!((signature.pcr8, signature.verdict.clone()), (extend(&[&one.0, &two.0]), Ok(())));
}
