//! Documents that real Nitro enclaves signed: verified at their own time, later, earlier, and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_hostile_bytes::{byte_flips, truncations};
use enclave_core::attestation::{
    AttestationFacts, Build, Document, DocumentError, MAX_DOCUMENT, MAX_SKEW, Pins, Root, document_time, named_root,
    verify_unbound,
};
use enclave_core::crypto::sha256;
use enclave_core::encoding::hex;
use enclave_core::{Error, MessageKind, Pcr, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use std::collections::BTreeMap;

const DAY: u64 = 86_400_000;

const ROOT: &[u8] = include_bytes!("../../tests/vectors/attestation/aws-nitro-root-g1.der");

macro_rules! vectors {
    ($($name:literal, $time:literal, $pcr0:literal, $result:expr;)*) => {
        [$(Vector {
            bytes: include_bytes!(concat!("../../tests/vectors/attestation/", $name, ".cose")),
            time: UnixMillis::new($time),
            pcr0: $pcr0,
            result: $result,
        }),*]
    };
}

struct Vector {
    bytes: &'static [u8],
    time: UnixMillis,
    /// The first 8 bytes of PCR0, in hexadecimal.
    pcr0: &'static str,
    /// The result of a verification at `time`.
    result: Result<(), Error>,
}

fn vectors() -> [Vector; 12] {
    vectors![
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
    ]
}

/// A document that is accepted. Its payload is a map of definite or of indefinite length.
fn release(indefinite: bool) -> &'static [u8] {
    let pcr0 = if indefinite { "3aa0e6e6ed7d8301" } else { "22f9e1c949208da5" };
    vectors().iter().find(|vector| vector.pcr0 == pcr0 && vector.result.is_ok()).unwrap().bytes
}

/// Pins of the document's own PCR0. PCR0 of debug mode cannot be pinned, so another value stands in for it.
fn own_pins(bytes: &[u8]) -> Pins {
    let pcr0 = Document::parse(bytes).unwrap().pcrs[&0];
    let pcr0 = if pcr0 == Pcr::ZERO { Pcr::new([1; 48]) } else { pcr0 };
    Pins::new(vec![Build::new(pcr0, BTreeMap::new()).unwrap()], Vec::new()).unwrap()
}

fn verify(bytes: &[u8], pins: &Pins, at: UnixMillis, max_age: u64) -> Result<AttestationFacts, Error> {
    verify_unbound::<AwsLc>(bytes, &Root::aws(), pins, None, at, max_age)
}

#[test]
fn each_document_has_the_result_of_the_table() {
    for Vector { bytes, time, pcr0, result } in vectors() {
        let document = Document::parse(bytes).unwrap();
        assert_eq!(document.timestamp, time);
        assert_eq!(document_time(bytes), Ok(time));
        assert_eq!(hex(&document.pcrs[&0].as_bytes()[..8]), pcr0);
        let verified = verify(bytes, &own_pins(bytes), time, MAX_SKEW);
        assert_eq!(verified.as_ref().map(|_| ()).map_err(|error| *error), result, "{pcr0}");
        if let Ok(facts) = verified {
            assert_eq!((facts.timestamp, facts.build, facts.development), (time, 0, false));
            assert_eq!(facts.pcrs, document.pcrs);
            assert_eq!(facts.module_id, document.module_id);
        }
    }
}

#[test]
fn rejects_expired_documents_and_those_of_the_future() {
    for Vector { bytes, time, pcr0, result } in vectors() {
        let pins = own_pins(bytes);
        let verify = |at: u64, max_age| verify(bytes, &pins, UnixMillis::new(at), max_age).map(|_| ());
        let ms = time.get();
        // Chain and signature are verified before the time.
        if let Err(Error::BadSignature | Error::UntrustedRoot) = result {
            assert_eq!(verify(ms + DAY, MAX_SKEW), result, "{pcr0}");
            continue;
        }
        for later in [MAX_SKEW + 1, 6 * 60_000, DAY] {
            let (after, before) = (UnixMillis::new(ms + later), UnixMillis::new(ms - later));
            assert_eq!(verify(ms + later, MAX_SKEW), Err(Error::Expired { time, now: after }), "{pcr0}");
            assert_eq!(verify(ms + later, later), result, "{pcr0}");
            assert_eq!(verify(ms - later, u64::MAX), Err(Error::NotYetValid { time, now: before }), "{pcr0}");
        }
        for skew in [0, MAX_SKEW] {
            assert_eq!(verify(ms + skew, MAX_SKEW), result, "{pcr0}");
            assert_eq!(verify(ms - skew, 0), result, "{pcr0}");
        }
    }
}

#[test]
fn the_pinned_root_is_the_one_that_aws_publishes() {
    let published = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
    assert_eq!(hex(&Root::aws().sha256()), published);
    assert_eq!(hex(&sha256(&[ROOT])), published);
    assert_eq!(named_root(release(true)), Ok(ROOT));
    assert!(!Root::aws().is_development());
    assert!(!Root::development(ROOT.to_vec()).unwrap().is_development(), "AWS's root, named by a person");
}

#[test]
fn rejects_invalid_certificates_and_a_leaf_as_a_root() {
    let leaf = Document::parse(release(false)).unwrap().certificate;
    assert_eq!(Root::development(leaf.to_vec()), Err(Error::UntrustedRoot));
    for truncated in truncations(ROOT) {
        let root = Root::development(truncated.to_vec());
        assert_eq!(root, Err(Error::Malformed(MessageKind::Certificate)), "{} bytes", truncated.len());
    }
}

#[test]
fn a_nonce_must_be_equal_in_full_length() {
    let bytes = release(false);
    let document = Document::parse(bytes).unwrap();
    let (time, nonce) = (document.timestamp, document.nonce.unwrap());
    let verify = |nonce| verify_unbound::<AwsLc>(bytes, &Root::aws(), &own_pins(bytes), Some(nonce), time, MAX_SKEW);
    assert!(verify(nonce).is_ok());
    for wrong in [&nonce[..31], &[], &[0; 32]] {
        assert_eq!(verify(wrong), Err(Error::NonceMismatch));
    }
    let without = release(true);
    let time = document_time(without).unwrap();
    let verified = verify_unbound::<AwsLc>(without, &Root::aws(), &own_pins(without), Some(&[]), time, MAX_SKEW);
    assert_eq!(verified, Err(Error::NonceMismatch), "an absent nonce is not the empty one");
}

#[test]
fn rejects_every_flipped_byte() {
    for (indefinite, mask) in [(false, 0x01), (true, 0x80)] {
        let bytes = release(indefinite);
        let (pins, time) = (own_pins(bytes), document_time(bytes).unwrap());
        assert!(verify(bytes, &pins, time, MAX_SKEW).is_ok());
        for flip in byte_flips(bytes, mask) {
            assert!(verify(&flip.bytes, &pins, time, u64::MAX).is_err(), "{flip}");
        }
    }
}

#[test]
fn rejects_every_truncation_and_trailing_bytes() {
    for indefinite in [false, true] {
        let bytes = release(indefinite);
        for truncated in truncations(bytes) {
            let found = Document::parse(truncated);
            let expected = match found {
                Err(Error::Document(DocumentError::NotADocument)) => truncated.is_empty(),
                Err(Error::Document(DocumentError::Truncated(_))) => true,
                _ => false,
            };
            assert!(expected, "{} bytes: {found:?}", truncated.len());
        }
        let longer = [bytes, &[0xf6]].concat();
        assert_eq!(Document::parse(&longer), Err(Error::Document(DocumentError::TrailingBytes("COSE_Sign1"))));
        assert_eq!(Document::parse(&vec![0x84; MAX_DOCUMENT + 1]), Err(Error::TooLarge(MessageKind::Document)));
    }
}

#[test]
fn rejects_another_encoding_of_the_same_content() {
    let bytes = release(false);
    let rejected = |error| Err(Error::Document(error));
    let long = |field| rejected(DocumentError::LongHead(field));
    // Tag 18, an indefinite array, a longer head for the protected header, for the payload, for the signature.
    assert_eq!(Document::parse(&[&[0xd2], bytes].concat()), rejected(DocumentError::Tag));
    let indefinite = [&[0x9f], &bytes[1..], &[0xff]].concat();
    assert_eq!(Document::parse(&indefinite), rejected(DocumentError::IndefiniteLength("the COSE_Sign1")));
    assert_eq!(Document::parse(&[&[0x84, 0x58, 4], &bytes[2..]].concat()), long("the protected header"));
    let payload = 1 + 5 + 1;
    assert_eq!(bytes[payload], 0x59);
    let longer = [&bytes[..payload], &[0x5a, 0, 0], &bytes[payload + 1..]].concat();
    assert_eq!(Document::parse(&longer), long("the payload"));
    let signature = bytes.len() - 98;
    assert_eq!(bytes[signature..signature + 2], [0x58, 0x60]);
    let longer = [&bytes[..signature], &[0x59, 0, 0x60], &bytes[signature + 2..]].concat();
    assert_eq!(Document::parse(&longer), long("the signature"));
    let pins = own_pins(bytes);
    // `null` in place of the empty header is read, and rejected after chain and signature are verified.
    let null = [&bytes[..6], &[0xf6], &bytes[7..]].concat();
    assert!(Document::parse(&null).unwrap().null_header);
    let verified = verify(&null, &pins, document_time(bytes).unwrap(), MAX_SKEW);
    assert_eq!(verified, Err(Error::Document(DocumentError::UnprotectedHeader)));
}

proptest! {
    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Document::parse(&bytes).is_err());
    }

    #[test]
    fn rejects_spliced_bytes_without_a_panic(at in 0usize..4461, with in proptest::collection::vec(any::<u8>(), 0..8), gone in 0usize..8) {
        let mut bytes = release(false).to_vec();
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, with);
        let whole = bytes == release(false);
        let time = UnixMillis::new(1_668_034_320_696);
        prop_assert_eq!(verify(&bytes, &own_pins(release(false)), time, MAX_SKEW).is_ok(), whole);
    }
}
