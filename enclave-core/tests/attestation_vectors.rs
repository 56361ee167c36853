//! Documents that real Nitro enclaves signed, each judged at its own time, later, and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::document::{Document, MAX_DOCUMENT, timestamp};
use enclave_core::verify::{Build, Judged, MAX_SKEW, Pins, Root, judge_bare, peek_root};
use enclave_core::{Error, Part, digest};
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: u64 = 86_400_000;

const ROOT: &[u8] = include_bytes!("../../tests/vectors/attestation/aws-nitro-root-g1.der");

macro_rules! vectors {
    ($($name:literal, $time:literal, $pcr0:literal, $holds:expr;)*) => {
        [$((include_bytes!(concat!("../../tests/vectors/attestation/", $name, ".cose")), $time, $pcr0, $holds)),*]
    };
}

/// Bytes, timestamp, the beginning of PCR0, and what they come to at their own time.
type Vector = (&'static [u8], u64, &'static str, Result<(), Error>);

fn vectors() -> Vec<Vector> {
    let vectors: [Vector; 12] = vectors![
        "2022-07-06-release", 1_657_117_102_484, "f8bb0133c427bc49", Ok(());
        "2022-07-14-debug-mode", 1_657_831_567_740, "0000000000000000", Err(Error::DebugMode);
        "2022-10-12-debug-mode", 1_665_582_606_081, "0000000000000000", Err(Error::DebugMode);
        "2022-10-13-release", 1_665_651_482_136, "f4d48b81a460c991", Ok(());
        "2022-11-10-bad-signature", 1_668_034_320_696, "22f9e1c949208da5", Err(Error::BadSignature);
        "2022-11-10-release", 1_668_034_320_696, "22f9e1c949208da5", Ok(());
        "2023-02-10-cape-key", 1_676_033_011_418, "bda74673e83a4096", Ok(());
        "2024-07-23-bad-signature", 1_721_770_180_771, "0000000000000000", Err(Error::BadSignature);
        "2024-11-30-release", 1_732_983_768_387, "ec74bfbe7f7445a6", Ok(());
        "2025-04-29-pcr16", 1_745_922_759_691, "2984ab215649c40f", Ok(());
        "2025-11-10-indefinite-map", 1_762_795_210_812, "3aa0e6e6ed7d8301", Ok(());
        "self-signed", 1_713_379_906, "3030303030303030", Err(Error::UntrustedRoot);
    ];
    vectors.to_vec()
}

/// One that holds, with a map of definite or of indefinite length.
fn release(indefinite: bool) -> &'static [u8] {
    let pcr0 = if indefinite { "3aa0e6e6ed7d8301" } else { "22f9e1c949208da5" };
    vectors().iter().find(|vector| vector.2 == pcr0 && vector.3.is_ok()).unwrap().0
}

/// Pins of the document itself, or of something else where it is in debug mode.
fn own_pins(bytes: &[u8]) -> Pins {
    let pcr0 = Document::parse(bytes).unwrap().pcrs[&0];
    let pcr0 = if pcr0 == [0; 48] { [1; 48] } else { pcr0 };
    Pins::new(vec![Build::new(pcr0, BTreeMap::new()).unwrap()], Vec::new()).unwrap()
}

fn judge(bytes: &[u8], pins: &Pins, at: u64, max_age: u64) -> Result<Judged, Error> {
    judge_bare::<AwsLc>(bytes, &Root::aws(), pins, None, at, max_age)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn each_comes_out_as_the_table_says() {
    for (bytes, time, pcr0, holds) in vectors() {
        let document = Document::parse(bytes).unwrap();
        assert_eq!(document.timestamp, time);
        assert_eq!(timestamp(bytes), Ok(time));
        assert_eq!(hex(&document.pcrs[&0][..8]), pcr0);
        let judged = judge(bytes, &own_pins(bytes), time, MAX_SKEW);
        assert_eq!(judged.as_ref().map(|_| ()).map_err(|error| *error), holds, "{pcr0}");
        if let Ok(judged) = judged {
            assert_eq!((judged.timestamp, judged.build, judged.development), (time, 0, false));
            assert_eq!(judged.pcrs, document.pcrs);
            assert_eq!(judged.module_id, document.module_id);
        }
    }
}

#[test]
fn later_they_are_expired_and_earlier_not_yet_valid() {
    for (bytes, time, pcr0, holds) in vectors() {
        let pins = own_pins(bytes);
        let judge = |at, max_age| judge(bytes, &pins, at, max_age).map(|_| ());
        // Whoever signed it is judged before its time is.
        if let Err(Error::BadSignature | Error::UntrustedRoot) = holds {
            assert_eq!(judge(time + DAY, MAX_SKEW), holds, "{pcr0}");
            continue;
        }
        for later in [MAX_SKEW + 1, 6 * 60_000, DAY] {
            assert_eq!(judge(time + later, MAX_SKEW), Err(Error::Expired { time, now: time + later }), "{pcr0}");
            assert_eq!(judge(time + later, later), holds, "{pcr0}");
            assert_eq!(judge(time - later, u64::MAX), Err(Error::NotYetValid { time, now: time - later }), "{pcr0}");
        }
        for skew in [0, MAX_SKEW] {
            assert_eq!(judge(time + skew, MAX_SKEW), holds, "{pcr0}");
            assert_eq!(judge(time - skew, 0), holds, "{pcr0}");
        }
    }
}

#[test]
fn the_root_is_the_one_that_aws_publishes() {
    let published = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
    assert_eq!(hex(&Root::aws().sha256()), published);
    assert_eq!(hex(&digest::sha256(&[ROOT])), published);
    assert_eq!(peek_root(release(true)), Ok(ROOT));
    assert!(!Root::aws().is_development());
    assert!(!Root::development(ROOT.to_vec()).unwrap().is_development(), "AWS's root by another road");
}

#[test]
fn roots_that_are_none() {
    let leaf = Document::parse(release(false)).unwrap().certificate;
    assert_eq!(Root::development(leaf.to_vec()), Err(Error::UntrustedRoot));
    assert_eq!(Root::development(Vec::new()), Err(Error::Malformed(Part::Certificate)));
    for length in 0..ROOT.len() {
        assert_eq!(Root::development(ROOT[..length].to_vec()), Err(Error::Malformed(Part::Certificate)));
    }
}

#[test]
fn nonces_are_compared_whole() {
    let bytes = release(false);
    let document = Document::parse(bytes).unwrap();
    let (time, nonce) = (document.timestamp, document.nonce.unwrap());
    let judge = |nonce| judge_bare::<AwsLc>(bytes, &Root::aws(), &own_pins(bytes), Some(nonce), time, MAX_SKEW);
    assert!(judge(nonce).is_ok());
    for wrong in [&nonce[..31], &[], &[0; 32]] {
        assert_eq!(judge(wrong), Err(Error::NonceMismatch));
    }
    let without = release(true);
    let time = timestamp(without).unwrap();
    let judged = judge_bare::<AwsLc>(without, &Root::aws(), &own_pins(without), Some(&[]), time, MAX_SKEW);
    assert_eq!(judged, Err(Error::NonceMismatch), "none is not the empty one");
}

#[test]
fn every_flipped_byte_is_refused() {
    for (indefinite, flip) in [(false, 0x01), (true, 0x80)] {
        let bytes = release(indefinite);
        let (pins, time) = (own_pins(bytes), timestamp(bytes).unwrap());
        let mut damaged = bytes.to_vec();
        for at in 0..bytes.len() {
            damaged[at] ^= flip;
            assert!(judge(&damaged, &pins, time, u64::MAX).is_err(), "byte {at}");
            damaged[at] = bytes[at];
        }
        assert!(judge(&damaged, &pins, time, MAX_SKEW).is_ok());
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    for indefinite in [false, true] {
        let bytes = release(indefinite);
        for length in 0..bytes.len() {
            assert_eq!(Document::parse(&bytes[..length]), Err(Error::Malformed(Part::Document)));
        }
        let longer = [bytes, &[0xf6]].concat();
        assert_eq!(Document::parse(&longer), Err(Error::Malformed(Part::Document)));
        assert_eq!(Document::parse(&vec![0x84; MAX_DOCUMENT + 1]), Err(Error::TooLarge(Part::Document)));
    }
}

#[test]
fn another_form_of_the_same_content_is_refused() {
    let bytes = release(false);
    let malformed = Err(Error::Malformed(Part::Document));
    // Tag 18, an indefinite array, a longer head for the protected header, for the payload, for the signature.
    assert_eq!(Document::parse(&[&[0xd2], bytes].concat()), malformed);
    assert_eq!(Document::parse(&[&[0x9f], &bytes[1..], &[0xff]].concat()), malformed);
    assert_eq!(Document::parse(&[&[0x84, 0x58, 4], &bytes[2..]].concat()), malformed);
    let payload = 1 + 5 + 1;
    assert_eq!(bytes[payload], 0x59);
    let long = [&bytes[..payload], &[0x5a, 0, 0], &bytes[payload + 1..]].concat();
    assert_eq!(Document::parse(&long), malformed);
    let signature = bytes.len() - 98;
    assert_eq!(bytes[signature..signature + 2], [0x58, 0x60]);
    let long = [&bytes[..signature], &[0x59, 0, 0x60], &bytes[signature + 2..]].concat();
    assert_eq!(Document::parse(&long), malformed);
    let pins = own_pins(bytes);
    // Null for the empty header is read, and refused once everything else held.
    let null = [&bytes[..6], &[0xf6], &bytes[7..]].concat();
    assert!(Document::parse(&null).unwrap().null_header);
    assert_eq!(judge(&null, &pins, timestamp(bytes).unwrap(), MAX_SKEW), Err(Error::Malformed(Part::Document)));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Document::parse(&bytes).is_err());
    }

    #[test]
    fn no_damage_panics(at in 0usize..4461, with in proptest::collection::vec(any::<u8>(), 0..8), gone in 0usize..8) {
        let mut bytes = release(false).to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, with);
        let whole = bytes == release(false);
        prop_assert_eq!(judge(&bytes, &own_pins(release(false)), 1_668_034_320_696, MAX_SKEW).is_ok(), whole);
    }
}
