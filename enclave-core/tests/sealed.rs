//! HPKE, encrypted files, and objects under two halves of a key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::ciphertext::{self, Ciphertext, CiphertextHeader};
use enclave_core::config::Arn;
use enclave_core::identity::{Identity, fingerprint};
use enclave_core::message::{Described, REQUEST, Request, Response, Verb};
use enclave_core::object::{self, FunctionRecord, Head, Kind, ObjectAd, Record};
use enclave_core::record::FUNCTION;
use enclave_core::seal::{self, KemSecret};
use enclave_core::{Error, Part, bundle, stream, vault};
use enclave_core_aws_lc::AwsLc;
use proptest::prelude::*;
use zeroize::Zeroizing;

const ARN: &str = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
const CONTENT: &[u8] = b"what is sealed is not parsed";
const DATA_KEY: [u8; 32] = [1; 32];
const HALF: [u8; 32] = [2; 32];

fn her() -> Identity {
    Identity::from_secret(Zeroizing::new([9; 32]))
}

fn ad() -> ObjectAd {
    let (owner, content, arn) = (her().owner(), bundle::checksum(CONTENT), Arn::parse(ARN).unwrap());
    ObjectAd { kind: Kind::Function, owner, id: [4; 16], version: 7, content, arn, salt: [8; 16] }
}

fn record() -> FunctionRecord {
    let ObjectAd { owner, id, version, content, arn, .. } = ad();
    FunctionRecord { owner, id, version, checksum: content, issued: 1, arn }
}

fn signed() -> Vec<u8> {
    her().sign1(FUNCTION, &[], &record().encode())
}

fn stored() -> Vec<u8> {
    object::seal::<AwsLc>(&ad(), b"wrapped", &signed(), &DATA_KEY, &HALF, CONTENT).unwrap()
}

#[test]
fn both_halves_open_and_neither_alone() {
    let stored = stored();
    let head = Head::parse(&stored).unwrap();
    assert_eq!((&head.ad, head.wrapped, &head.record), (&ad(), &b"wrapped"[..], &Record::Function(record())));
    assert_eq!(head.open::<AwsLc>(&DATA_KEY, &HALF).unwrap().as_slice(), CONTENT);
    let wrong: [(&[u8], &[u8]); 6] = [
        (&HALF, &DATA_KEY),
        (&DATA_KEY, &[0; 32]),
        (&[0; 32], &HALF),
        (&DATA_KEY, &[]),
        (&DATA_KEY[..31], &HALF),
        (&[1; 33], &HALF),
    ];
    for (data_key, half) in wrong {
        assert_eq!(head.open::<AwsLc>(data_key, half), Err(Error::CannotOpen));
    }
}

#[test]
fn every_flipped_bit_of_an_object_is_refused() {
    let stored = stored();
    let prefix = stored.len() - CONTENT.len() - stream::TAG_LEN - stream::COMMITMENT_LEN;
    for (at, bit) in (0..stored.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut flipped = stored.clone();
        flipped[at] ^= 1 << bit;
        let opened = Head::parse(&flipped).and_then(|head| head.open::<AwsLc>(&DATA_KEY, &HALF));
        assert!(opened.is_err(), "bit {bit} of byte {at}");
        if at >= prefix {
            assert_eq!(opened, Err(Error::CannotOpen));
        }
    }
    for end in 0..stored.len() {
        assert!(Head::parse(&stored[..end]).and_then(|head| head.open::<AwsLc>(&DATA_KEY, &HALF)).is_err());
    }
}

#[test]
fn whoever_has_both_keys_but_not_her_signature_makes_nothing() {
    let thief = Identity::from_secret(Zeroizing::new([10; 32]));
    let forged = thief.sign1(FUNCTION, &[], &record().encode());
    let seal = |ad: &ObjectAd, record: &[u8], content: &[u8]| {
        object::seal::<AwsLc>(ad, b"wrapped", record, &DATA_KEY, &HALF, content).err()
    };
    assert_eq!(seal(&ad(), &forged, CONTENT), Some(Error::BadSignature));
    assert_eq!(seal(&ad(), &signed(), b"other content"), Some(Error::CannotOpen));
    for other in [
        ObjectAd { id: [5; 16], ..ad() },
        ObjectAd { version: 8, ..ad() },
        ObjectAd { content: bundle::checksum(b""), ..ad() },
        ObjectAd { arn: Arn::parse(&ARN.replace("138", "139")).unwrap(), ..ad() },
    ] {
        assert_eq!(seal(&other, &signed(), CONTENT), Some(Error::Disagrees(Part::Object)));
    }
    assert_eq!(
        seal(&ObjectAd { owner: thief.owner(), ..ad() }, &forged, CONTENT),
        Some(Error::Disagrees(Part::Record))
    );
    assert_eq!(
        seal(&ObjectAd { kind: Kind::VaultKey, ..ad() }, &signed(), CONTENT),
        Some(Error::Malformed(Part::Sign1))
    );
    assert_eq!(
        object::seal::<AwsLc>(&ad(), b"", &signed(), &DATA_KEY, &HALF, CONTENT),
        Err(Error::Malformed(Part::Object))
    );
}

#[test]
fn halves_differ_by_root_kind_id_and_version() {
    let half = |root: &[u8], kind, id, version| *her().half(root, kind, &[id; 16], version);
    let halves =
        [half(b"r", 1, 0, 0), half(b"R", 1, 0, 0), half(b"r", 2, 0, 0), half(b"r", 1, 1, 0), half(b"r", 1, 0, 1)];
    for (i, half) in halves.iter().enumerate() {
        assert!(halves[..i].iter().all(|other| other != half));
    }
    assert_eq!(fingerprint(&her().owner()).len(), 32);
    assert_eq!(format!("{:?}", her()), "Identity([redacted])");
}

fn vault_key() -> KemSecret {
    KemSecret::from_seed(&[5; 32]).unwrap()
}

fn header() -> CiphertextHeader {
    CiphertextHeader { owner: her().owner(), kid: vault::kid(&vault_key().public()), checksums: Some(vec![[1; 32]]) }
}

fn encrypt(plain: &[u8]) -> Vec<u8> {
    let begun = ciphertext::begin(&header(), &vault_key().public(), &[6; 64]).unwrap();
    let sealed = stream::seal_bytes::<AwsLc>(begun.secret, &begun.aad, plain).unwrap();
    [begun.prefix, sealed].concat()
}

#[test]
fn a_file_opens_with_its_key_alone() {
    let file = encrypt(b"secret");
    let parsed = Ciphertext::parse(&file).unwrap();
    assert_eq!(parsed.header, header());
    assert_eq!(parsed.open::<AwsLc>(&her().owner(), &vault_key()).unwrap().as_slice(), b"secret");
    let other = KemSecret::from_seed(&[7; 32]).unwrap();
    assert_eq!(parsed.open::<AwsLc>(&her().owner(), &other), Err(Error::WrongKey));
    assert_eq!(parsed.open::<AwsLc>(&[0; 32], &vault_key()), Err(Error::WrongOwner));
    assert_eq!(ciphertext::begin(&header(), &other.public(), &[6; 64]).err(), Some(Error::WrongKey));
}

#[test]
fn every_flipped_byte_of_a_file_is_refused() {
    let file = encrypt(b"secret");
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 0x40;
        let opened = Ciphertext::parse(&flipped).and_then(|parsed| parsed.open::<AwsLc>(&her().owner(), &vault_key()));
        assert!(opened.is_err(), "byte {at}");
    }
}

#[test]
fn a_share_of_zeros_is_no_error_and_agrees_with_nobody() {
    let (mut enc, exporter) = seal::send(&[6; 64], &vault_key().public(), b"info").unwrap();
    assert_eq!(seal::receive(&vault_key(), &enc, b"info").unwrap().export(b"x"), exporter.export(b"x"));
    enc[1088..].fill(0);
    assert_ne!(seal::receive(&vault_key(), &enc, b"info").unwrap().export(b"x"), exporter.export(b"x"));
}

#[test]
fn exports_differ_by_context_info_and_entropy() {
    let export = |entropy: u8, info: &[u8], context: &[u8]| {
        *seal::send(&[entropy; 64], &vault_key().public(), info).unwrap().1.export(context)
    };
    let first = export(1, b"i", b"c");
    assert_eq!(first, export(1, b"i", b"c"));
    assert!([export(2, b"i", b"c"), export(1, b"j", b"c"), export(1, b"i", b"d")].iter().all(|other| *other != first));
}

#[test]
fn lengths_of_keys_and_info() {
    let key = Some(Error::Malformed(Part::Key));
    let public = vault_key().public();
    assert_eq!(seal::check_public(&public), Ok(()));
    assert_eq!(seal::check_public(&public[1..]).err(), key);
    assert_eq!(seal::check_public(&[255; seal::PUBLIC_LEN]).err(), key);
    assert_eq!(KemSecret::from_seed(&[0; 31]).err(), key);
    assert_eq!(seal::receive(&vault_key(), &[0; seal::ENC_LEN - 1], b"").err(), key);
    // The crate would panic at 65,531 bytes.
    let long = vec![0; 70_000];
    assert_eq!(seal::send(&[0; 64], &public, &long).err(), Some(Error::TooLarge(Part::Key)));
    assert_eq!(seal::receive(&vault_key(), &[0; seal::ENC_LEN], &long).err(), Some(Error::TooLarge(Part::Key)));
    assert_eq!(format!("{:?}", vault_key()), "KemSecret([redacted])");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn noise_is_no_object_and_no_file(noise in proptest::collection::vec(any::<u8>(), 0..300), length in 0u8..=255) {
        for magic in [b"CPLO", b"CPLT"] {
            let bytes = [magic.as_slice(), &[0, 0, 0, length], &noise].concat();
            prop_assert!(Head::parse(&bytes).is_err());
            prop_assert!(Ciphertext::parse(&bytes).is_err());
        }
    }

    #[test]
    fn any_public_key_is_refused_or_sealed_to(noise in proptest::collection::vec(any::<u8>(), seal::PUBLIC_LEN)) {
        prop_assert_eq!(seal::send(&[1; 64], &noise, b"").is_ok(), seal::check_public(&noise).is_ok());
    }
}

/// A vector that grows leaves what was in it behind: those that hold halves have room from the beginning.
#[test]
fn what_holds_halves_does_not_grow() {
    for count in [0, 1, 64u8] {
        let halves = (0..count).map(|n| ([n; 16], Zeroizing::new([n; 32]))).collect();
        let request = Request {
            n: u64::MAX,
            verb: Verb::Run,
            id: [1; 16],
            not_after: u64::MAX,
            caller: her().owner(),
            params: vec![0xa0; 1000],
            halves,
            body: Some(Described { length: u64::MAX, sha256: [2; 32] }),
        };
        let map = request.encode();
        assert_eq!(map.capacity(), 256 + 1000 + 64 * usize::from(count));
        let signed = her().sign1(REQUEST, &[3; 48], &map);
        assert_eq!(signed.capacity(), map.len() + 64 + 160);
    }
}

/// What a function said on stderr is in a response's result.
#[test]
fn what_a_response_holds_is_not_printed() {
    let result = Zeroizing::new(vec![0xa0]);
    let response = Response { n: 0, request: [1; 48], status: 0, result, receipt: None, body: None };
    assert_eq!(format!("{response:?}"), "Response([redacted])");
}
