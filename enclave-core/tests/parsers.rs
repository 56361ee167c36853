//! Every parser of the protocol's bytes, against a valid item, all of its neighbours, and noise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_abi::job::Kind as JobKind;
use enclave_core::bundle::{Bundle, Form, HANDLER, Manifest};
use enclave_core::ciphertext::{Ciphertext, CiphertextHeader};
use enclave_core::claims::{KmsState, Regime};
use enclave_core::config::{Arn, Configuration, Deployers, Limits};
use enclave_core::identity::{self, Identity};
use enclave_core::object::{FunctionRecord, Kind, ObjectAd};
use enclave_core::record::FUNCTION;
use enclave_core::seal::KemSecret;
use enclave_core::vault::{self, Statement, VAULT_OWNER, VaultClaims, VaultRecord};
use enclave_core::{Error, Part, digest};
use proptest::prelude::*;
use zeroize::Zeroizing;

const ARN: &str = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
const TYP: &str = "capelet/1/test";

/// Reads bytes and writes them anew from what was read.
type Again = fn(&[u8]) -> Result<Vec<u8>, Error>;

fn arn() -> Arn {
    Arn::parse(ARN).unwrap()
}

fn her() -> Identity {
    Identity::from_secret(Zeroizing::new([9; 32]))
}

fn configuration() -> Configuration {
    let limits = Limits { run: 30_000, memory: 1 << 30, input: 1 << 20, output: 0 };
    Configuration { arn: arn(), limits, deployers: Some([7; 32]) }
}

fn claims() -> VaultClaims {
    let key = KemSecret::from_seed(&[5; 32]).unwrap().public();
    let kms = Some(KmsState { arn: arn(), policy: Some([1; 48]), describe: None, read: 1_700_000_000_000 });
    let (owner, kid, configuration) = (her().owner(), vault::kid(&key), configuration().encode());
    VaultClaims { owner, epoch: 3, key, kid, previous: Some([2; 32]), until: u64::MAX, configuration, kms }
}

fn vault_record(document: &[u8], claims: &VaultClaims) -> VaultRecord {
    let (owner, epoch, kid) = (claims.owner, claims.epoch, claims.kid);
    let (document, claims) = (digest::sha384(&[document]), digest::sha384(&[&claims.encode()]));
    VaultRecord { owner, epoch, kid, document, claims, arn: arn() }
}

fn statement() -> Vec<u8> {
    let record = her().sign1(VAULT_OWNER, &[], &vault_record(b"document", &claims()).encode());
    Statement::encode(b"document", &claims().encode(), &record)
}

fn function_record() -> FunctionRecord {
    FunctionRecord { owner: her().owner(), id: [4; 16], version: 24, checksum: [6; 32], issued: 1 << 40, arn: arn() }
}

fn object_ad() -> ObjectAd {
    let (owner, content, arn) = (her().owner(), [6; 32], arn());
    ObjectAd { kind: Kind::VaultKey, owner, id: [4; 16], version: 1, content, arn, salt: [8; 16] }
}

fn header(checksums: Option<Vec<[u8; 32]>>) -> Vec<u8> {
    CiphertextHeader { owner: [1; 32], kid: [2; 32], checksums }.encode().unwrap()
}

/// A valid item of each kind, and what reads it.
fn parsers() -> Vec<(&'static str, Vec<u8>, Again)> {
    vec![
        ("configuration", configuration().encode(), |bytes| Ok(Configuration::parse(bytes)?.encode())),
        ("vault claims", claims().encode(), |bytes| Ok(VaultClaims::parse(bytes, Regime::Production)?.encode())),
        ("vault record", vault_record(b"", &claims()).encode(), |bytes| Ok(VaultRecord::parse(bytes)?.encode())),
        ("function record", function_record().encode(), |bytes| Ok(FunctionRecord::parse(bytes)?.encode())),
        ("object ad", object_ad().encode(), |bytes| Ok(ObjectAd::parse(bytes)?.encode())),
        ("header for two", header(Some(vec![[3; 32], [4; 32]])), |bytes| CiphertextHeader::parse(bytes)?.encode()),
        ("header for any", header(None), |bytes| CiphertextHeader::parse(bytes)?.encode()),
    ]
}

/// Nothing that signs itself is accepted when a bit of it is another.
fn signed() -> Vec<(&'static str, Vec<u8>, Again)> {
    vec![
        ("sign1", her().sign1(TYP, b"aad", b"payload"), |bytes| {
            Ok(identity::verify1(&her().owner(), TYP, b"aad", bytes)?.to_vec())
        }),
        ("function record, signed", her().sign1(FUNCTION, &[], &function_record().encode()), |bytes| {
            Ok(FunctionRecord::verify(&her().owner(), bytes)?.encode())
        }),
        ("statement", statement(), |bytes| Ok(Statement::parse(bytes, Regime::Production)?.claims.encode())),
        ("deployers", Deployers::encode(vec![[2; 32], [1; 32], [2; 32]]), |bytes| {
            let digest = digest::sha256(&[&Deployers::encode(vec![[1; 32], [2; 32]])]);
            let configuration = Configuration { deployers: Some(digest), ..configuration() };
            Ok(vec![Deployers::parse(&configuration, Some(bytes))?.unwrap().allowed(&[1; 32]).into()])
        }),
    ]
}

#[test]
fn what_was_read_is_written_again() {
    for (name, valid, again) in parsers() {
        assert_eq!(again(&valid).as_ref(), Ok(&valid), "{name}");
    }
    for (name, valid, again) in signed() {
        assert!(again(&valid).is_ok(), "{name}");
    }
}

#[test]
fn every_flipped_bit_is_refused_or_another_value() {
    for (name, valid, again) in parsers() {
        for (at, bit) in (0..valid.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = valid.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(written) = again(&flipped) {
                assert_eq!(written, flipped, "{name}, bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_what_is_signed_is_refused() {
    for (name, valid, again) in signed() {
        for (at, bit) in (0..valid.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = valid.clone();
            flipped[at] ^= 1 << bit;
            assert!(again(&flipped).is_err(), "{name}, bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_truncation_and_one_byte_more_is_refused() {
    for (name, valid, again) in parsers().into_iter().chain(signed()) {
        for end in 0..valid.len() {
            assert!(again(&valid[..end]).is_err(), "{name}, {end} bytes");
        }
        assert!(again(&[valid.as_slice(), &[0]].concat()).is_err(), "{name}, one more");
    }
}

#[test]
fn statements_of_a_development_root_hold_only_there() {
    let bare = VaultClaims { configuration: Vec::new(), kms: None, ..claims() };
    let record = her().sign1(VAULT_OWNER, &[], &vault_record(b"document", &bare).encode());
    let statement = Statement::encode(b"document", &bare.encode(), &record);
    assert!(Statement::parse(&statement, Regime::Development).is_ok());
    assert_eq!(Statement::parse(&statement, Regime::Production).err(), Some(Error::DevelopmentOnly));
}

#[test]
fn a_record_must_speak_of_its_statement() {
    let right = vault_record(b"document", &claims());
    let arn = Arn::parse(&ARN.replace("eu-central", "eu-west")).unwrap();
    for wrong in [
        VaultRecord { epoch: 4, ..right.clone() },
        VaultRecord { kid: [0; 32], ..right.clone() },
        VaultRecord { document: [0; 48], ..right.clone() },
        VaultRecord { claims: [0; 48], ..right.clone() },
        VaultRecord { arn, ..right },
    ] {
        let record = her().sign1(VAULT_OWNER, &[], &wrong.encode());
        let statement = Statement::encode(b"document", &claims().encode(), &record);
        assert_eq!(Statement::parse(&statement, Regime::Production).err(), Some(Error::Disagrees(Part::Statement)));
    }
}

#[test]
fn until_is_at_most_400_days_after_the_document_and_not_past() {
    let claims = VaultClaims { until: 1_000 + vault::MAX_VALIDITY, ..claims() };
    assert_eq!(claims.check_until(1_000, claims.until), Ok(()));
    assert_eq!(claims.check_until(999, 0), Err(Error::Malformed(Part::Statement)));
    let now = claims.until + 1;
    assert_eq!(claims.check_until(1_000, now), Err(Error::Expired { time: claims.until, now }));
}

#[test]
fn limits_only_lower_what_is_compiled_in() {
    let Limits { run, memory, input, output } = configuration().limits.effective();
    assert_eq!((run, memory, input, output), (30_000, 256 << 20, 1 << 20, 0));
    let most = u64::MAX;
    let all = Limits { run: most, memory: most, input: most, output: most };
    assert_eq!(all.effective(), Limits::MAXIMA);
}

#[test]
fn deployers_and_their_digest_come_together() {
    let list = Deployers::encode(vec![[1; 32]]);
    let named = Configuration { deployers: Some(digest::sha256(&[&list])), ..configuration() };
    let anybody = Configuration { deployers: None, ..configuration() };
    let disagrees = Err(Error::Disagrees(Part::Configuration));
    let found = Deployers::parse(&named, Some(&list)).unwrap().unwrap();
    assert!(found.allowed(&[1; 32]) && !found.allowed(&[2; 32]));
    assert_eq!(Deployers::parse(&anybody, None), Ok(None));
    assert_eq!(Deployers::parse(&anybody, Some(&list)), disagrees);
    assert_eq!(Deployers::parse(&named, None), disagrees);
    assert_eq!(Deployers::parse(&named, Some(&Deployers::encode(vec![[2; 32]]))), disagrees);
    // The digest holds, the order does not.
    let descending: Vec<u8> = [&[0x82, 0x58, 32][..], &[2; 32], &[0x58, 32], &[1; 32]].concat();
    let unsorted = Configuration { deployers: Some(digest::sha256(&[&descending])), ..configuration() };
    assert_eq!(Deployers::parse(&unsorted, Some(&descending)), Err(Error::Malformed(Part::Configuration)));
}

#[test]
fn headers_with_checksums_that_nobody_could_read_are_not_written() {
    for checksums in [vec![], vec![[2; 32], [1; 32]], vec![[1; 32], [1; 32]], vec![[0; 32]; 1025]] {
        let header = CiphertextHeader { owner: [1; 32], kid: [2; 32], checksums: Some(checksums) };
        assert_eq!(header.encode(), Err(Error::Malformed(Part::Ciphertext)));
    }
}

fn manifest() -> Manifest<'static> {
    let arguments = vec!["-v", ""];
    Manifest { entry: "a/main.wasm", nonce: Some([1; 32]), kind: JobKind::Reactor, handler: Some("redact"), arguments }
}

const MODULE: &[u8] = b"\0asm";
const FILES: [(&str, &[u8]); 3] = [("b", b"2"), ("a/main.wasm", MODULE), ("a-", b"")];

#[test]
fn a_bundle_is_the_same_whatever_the_order_of_its_files() {
    let bytes = Bundle::build(&manifest(), FILES.to_vec()).unwrap();
    assert_eq!(Bundle::build(&manifest(), FILES.iter().rev().copied().collect()), Ok(bytes.clone()));
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!((&bundle.manifest, bundle.module), (&manifest(), MODULE));
    assert_eq!(bundle.files, [FILES[2], FILES[1], FILES[0]]);
    assert_eq!(bundle.manifest.job_handler(), "redact");
}

#[test]
fn manifests_that_are_none() {
    let build = |manifest: Manifest<'_>| Bundle::build(&manifest, FILES.to_vec()).err();
    let malformed = Some(Error::Malformed(Part::Bundle));
    assert_eq!(build(Manifest { entry: "main.wasm", ..manifest() }), malformed);
    assert_eq!(build(Manifest { entry: "", ..manifest() }), malformed);
    assert_eq!(build(Manifest { kind: JobKind::Command, ..manifest() }), malformed);
    assert_eq!(build(Manifest { handler: Some(""), ..manifest() }), malformed);
    assert_eq!(build(Manifest { arguments: vec!["a\0b"], ..manifest() }), malformed);
    assert_eq!(build(Manifest { arguments: vec!["a"; 65], ..manifest() }), Some(Error::TooLarge(Part::Bundle)));
    assert_eq!(build(Manifest { kind: JobKind::Command, handler: None, ..manifest() }), None);
    assert_eq!(Manifest { handler: None, ..manifest() }.job_handler(), HANDLER);
    assert_eq!(Manifest { kind: JobKind::Command, handler: None, ..manifest() }.job_handler(), "");
}

/// A second form of one function would be a second checksum of it.
#[test]
fn a_manifest_leaves_out_what_goes_without_saying() {
    let bundle = |manifest: &[u8]| [b"\x82", manifest, b"\x81\x82\x61a\x41w"].concat();
    assert!(Bundle::parse(&bundle(b"\xa1\x01\x61a")).is_ok());
    assert!(Bundle::parse(&bundle(b"\xa2\x01\x61a\x03\x01")).is_ok());
    for said in [b"\xa2\x01\x61a\x03\x00", b"\xa2\x01\x61a\x05\x80"] {
        assert_eq!(Bundle::parse(&bundle(said)), Err(Error::Malformed(Part::Bundle)));
    }
}

#[test]
fn paths_that_are_none() {
    let long = "a".repeat(1025);
    for path in ["", "/a", "a/", "a//b", ".", "./b", "a/..", "a\0", "e\u{301}", "b/c", &long] {
        let files = FILES.iter().copied().chain([(path, &b""[..])]).collect();
        assert_eq!(Bundle::build(&manifest(), files), Err(Error::Malformed(Part::Bundle)), "{path:?}");
    }
    let twice = FILES.iter().copied().chain([FILES[0]]).collect();
    assert_eq!(Bundle::build(&manifest(), twice), Err(Error::Malformed(Part::Bundle)));
    let names: Vec<String> = (0..4097).map(|i| format!("{i}")).collect();
    let many = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::build(&manifest(), many), Err(Error::TooLarge(Part::Bundle)));
    let names: Vec<String> = (0..600).map(|i| format!("{i}{}", "x".repeat(1000))).collect();
    let wide = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::build(&manifest(), wide), Err(Error::TooLarge(Part::Bundle)));
}

#[test]
fn every_flipped_bit_of_a_bundle_is_refused_or_another_bundle() {
    let bytes = Bundle::build(&manifest(), FILES.to_vec()).unwrap();
    let valid = Bundle::parse(&bytes).unwrap();
    for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        assert_ne!(Bundle::parse(&flipped).as_ref(), Ok(&valid), "bit {bit} of byte {at}");
    }
    for end in 0..bytes.len() {
        assert!(Form::parse(&bytes[..end]).is_err());
    }
}

proptest! {
    #[test]
    fn noise_panics_nothing_and_is_read_for_what_it_is(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (name, _, again) in parsers() {
            if let Ok(written) = again(&noise) {
                prop_assert_eq!(&written, &noise, "{}", name);
            }
        }
        for (name, _, again) in signed() {
            prop_assert!(again(&noise).is_err(), "{}", name);
        }
        let _ = (Bundle::parse(&noise), Form::parse(&noise), Ciphertext::parse(&noise));
        let _ = identity::payload1(&noise);
    }

    #[test]
    fn spliced_items_panic_nothing(which in 0usize..7, at in any::<prop::sample::Index>(), cut in 0usize..40, noise in proptest::collection::vec(any::<u8>(), 0..40)) {
        let (name, valid, again) = parsers().swap_remove(which);
        let at = at.index(valid.len());
        let spliced = [&valid[..at], &noise, valid.get(at + cut..).unwrap_or_default()].concat();
        if let Ok(written) = again(&spliced) {
            prop_assert_eq!(&written, &spliced, "{}", name);
        }
    }

    #[test]
    fn bundles_both_ways(paths in proptest::collection::btree_set("[a-z]{1,3}(/[a-z.]{1,3}){0,2}", 1..8), content in any::<[u8; 5]>()) {
        let files: Vec<(&str, &[u8])> = paths.iter().map(|path| (path.as_str(), &content[..])).collect();
        let manifest = Manifest { entry: files[0].0, ..manifest() };
        // Some have `.` or `..` in them, or a file as a directory.
        if let Ok(bytes) = Bundle::build(&manifest, files.clone()) {
            let bundle = Bundle::parse(&bytes).unwrap();
            prop_assert_eq!(&bundle.manifest, &manifest);
            prop_assert_eq!(bundle.files, files);
        }
    }
}
