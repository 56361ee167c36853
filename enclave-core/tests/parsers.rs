//! Every parser of the protocol's messages, with a valid item, all of its neighbours, and noise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_abi::EntryPoint;
use capelet_hostile_bytes::{bit_flips, truncations};
use enclave_core::attestation::{MAX_VALIDITY, SUITE, SessionClaims, TrustMode, VaultClaims};
use enclave_core::crypto::{KemSecret, sha256, sha384};
use enclave_core::encoding::{SigningKey, payload1};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::{AcceptedKey, Arn, KmsKeyState};
use enclave_core::messages::{
    BodyDigest, DeleteParams, DeployParams, Hello, KeyShares, ListParams, Params, PolicyParams, PolicyTexts, Request,
    Response, RunInput, RunParams, RunResult, RunStatus, StatementParams, StatementResult, Status, VaultAttestParams,
    VaultConfirmParams, VaultCreateParams, VaultOffer, Verb, encode_list, parse_list,
};
use enclave_core::objects::{
    Bundle, BundleForm, Ciphertext, CiphertextHeader, HANDLER, InputCommitments, Manifest, ObjectAd, ObjectContent,
    Receipt, ReceiptBundle, ReceiptFunction, Statement, encode_statement,
};
use enclave_core::parent::{ListEntry, StoreKey, StoreKind};
use enclave_core::{
    Checksum, ClaimsDigest, Commitment, Configuration, Deadline, Deployers, Error, KeyShare, Kid, Limits, MessageKind,
    Nonce, ObjectId, OwnerKey, Pcr, ReceiptKey, RequestDigest, RequestId, Salt, UnixMillis,
};
use proptest::prelude::*;
use proptest::sample::Index;
use zeroize::Zeroizing;

const ARN: &str = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
const TYP: &str = "capelet/1/test";

const CHECKSUM: Checksum = Checksum::new([6; 32]);
const KID: Kid = Kid::new([2; 32]);
const IMAGE: Pcr = Pcr::new([9; 48]);
const ID: ObjectId = ObjectId::new([4; 16]);
const REQUEST_DIGEST: RequestDigest = RequestDigest::new([3; 48]);

/// Reads bytes, and writes again what was read.
type Rewrite = fn(&[u8]) -> Result<Vec<u8>, Error>;

/// A kind of item: its name, valid bytes, and its parser.
type Case = (&'static str, Vec<u8>, Rewrite);

fn arn() -> Arn {
    Arn::parse(ARN).unwrap()
}

fn identity() -> Identity {
    Identity::from_secret(Zeroizing::new([9; 32]))
}

fn configuration() -> Configuration {
    let limits = Limits { run: 30_000, memory: 1 << 30, input: 1 << 20, output: 0 };
    Configuration { arn: arn(), limits, deployers: Some([7; 32]) }
}

fn key_state() -> KmsKeyState {
    KmsKeyState { arn: arn(), policy: Some([1; 48]), metadata: None, read_at: UnixMillis::new(1_700_000_000_000) }
}

fn accepted_key() -> AcceptedKey {
    AcceptedKey { arn: arn(), policy: Some([1; 48]), metadata: None }
}

fn session_claims() -> SessionClaims {
    SessionClaims {
        hello: [1; 48],
        exporter: [2; 32],
        kem_public: KemSecret::from_seed(&[5; 32]).unwrap().public(),
        receipt_key: ReceiptKey::new([3; 32]),
        configuration: configuration().encode(),
        kms: Some(key_state()),
        memory: 1 << 30,
    }
}

fn vault_claims() -> VaultClaims {
    let key = KemSecret::from_seed(&[5; 32]).unwrap().public();
    VaultClaims {
        owner: identity().owner(),
        epoch: 3,
        kid: Kid::of(&key),
        key,
        previous: Some(KID),
        until: UnixMillis::new(u64::MAX),
        configuration: configuration().encode(),
        kms: Some(key_state()),
        images: vec![Pcr::new([8; 48]), IMAGE],
    }
}

fn vault_record(document: &[u8], claims: &VaultClaims) -> VaultRecord {
    VaultRecord {
        owner: claims.owner,
        epoch: claims.epoch,
        kid: claims.kid,
        document: sha384(&[document]),
        claims: sha384(&[&claims.encode()]),
        arn: arn(),
        image: IMAGE,
    }
}

fn statement() -> Vec<u8> {
    let record = identity().sign1(VAULT_RECORD, &[], &vault_record(b"document", &vault_claims()).encode());
    encode_statement(b"document", &vault_claims().encode(), &record)
}

fn function_record() -> FunctionRecord {
    let (owner, issued) = (identity().owner(), UnixMillis::new(1 << 40));
    FunctionRecord { owner, id: ID, version: 24, checksum: CHECKSUM, issued, arn: arn(), image: IMAGE }
}

fn object_ad(content: ObjectContent) -> ObjectAd {
    ObjectAd { content, owner: identity().owner(), id: ID, version: 1, arn: arn(), salt: [8; 16], image: IMAGE }
}

fn header(checksums: Option<Vec<Checksum>>) -> CiphertextHeader {
    CiphertextHeader { owner: OwnerKey::new([1; 32]), kid: KID, checksums }
}

fn request() -> Request {
    let share =
        |kind, byte| (StoreKey { kind, owner: identity().owner(), id: ID, version: 24 }, KeyShare::new(&[byte; 32]));
    Request {
        n: 300,
        verb: Verb::List,
        id: RequestId::new([1; 16]),
        not_after: Deadline::new(UnixMillis::new(1 << 40)),
        caller: identity().owner(),
        params: ListParams { kind: StoreKind::VaultKey }.encode(),
        key_shares: KeyShares::from([share(StoreKind::Function, 1), share(StoreKind::VaultKey, 2)]),
        body: Some(BodyDigest::of(b"body")),
    }
}

fn receipt() -> Receipt {
    Receipt {
        claims: ClaimsDigest::new([1; 48]),
        request: REQUEST_DIGEST,
        function: ReceiptFunction { owner: identity().owner(), id: ID, version: 2, checksum: CHECKSUM },
        caller: OwnerKey::new([8; 32]),
        inputs: vec![
            InputCommitments { data: Commitment::new([1; 32]), ciphertext: None },
            InputCommitments { data: Commitment::new([2; 32]), ciphertext: Some(Commitment::new([4; 32])) },
        ],
        output: Some(Commitment::new([3; 32])),
        status: RunStatus::DONE,
        started: UnixMillis::new(1 << 40),
        ended: UnixMillis::new((1 << 40) + 1),
        verb: Verb::Run,
    }
}

fn receipt_bundle() -> ReceiptBundle {
    ReceiptBundle {
        document: b"document".to_vec(),
        claims: b"claims".to_vec(),
        receipt: receipt().sign(&SigningKey::from_seed(&Zeroizing::new([7; 32]))),
        salts: vec![Some(Salt::new([1; 32])), None, None],
        ciphertext_salts: vec![None, Some(Salt::new([2; 32]))],
    }
}

fn response() -> Vec<u8> {
    let response = Response {
        n: 300,
        request: REQUEST_DIGEST,
        status: Status::DONE.number(),
        result: RunResult { value: None, stderr: None }.encode(),
        receipt: Some(receipt_bundle().receipt),
        body: Some(BodyDigest::of(b"body")),
    };
    without_length(&response)
}

/// A response's bytes as its parser takes them: without the length in front.
fn without_length(response: &Response) -> Vec<u8> {
    response.encode().unwrap()[4..].to_vec()
}

fn rewrite_params<P: Params>(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(P::parse(bytes)?.encode())
}

fn params<P: Params>(name: &'static str, valid: P) -> Case {
    (name, valid.encode(), rewrite_params::<P>)
}

fn parameters() -> Vec<Case> {
    let (owner, nonce, key) = (identity().owner(), Nonce::new([5; 32]), accepted_key());
    let record = identity().sign1(FUNCTION_RECORD, &[], b"record");
    let inputs = vec![RunInput { length: 7, epoch: None }, RunInput { length: 1 << 20, epoch: Some(3) }];
    vec![
        params(
            "deploy",
            DeployParams { id: ID, version: 2, checksum: CHECKSUM, key: key.clone(), record: record.clone() },
        ),
        params("run", RunParams { owner, id: ID, version: 2, checksum: CHECKSUM, inputs }),
        params("list", ListParams { kind: StoreKind::Function }),
        params("delete", DeleteParams { kind: StoreKind::VaultKey, id: ID, version: 24 }),
        params("statement", StatementParams { owner, kid: Some(KID) }),
        params("newest statement", StatementParams { owner, kid: None }),
        params("vault-create", VaultCreateParams { epoch: 1, nonce, previous: Some(KID), key }),
        params("vault-attest", VaultAttestParams { kid: KID, epoch: 1, nonce, previous: Some(KID) }),
        params("vault-confirm", VaultConfirmParams { record }),
        params("policy", PolicyParams::Configured),
        params("policy of a key", PolicyParams::Key(arn())),
        params("policy of a statement's key", PolicyParams::Statement(owner, 24)),
    ]
}

fn results() -> Vec<Case> {
    let stderr = Some(Zeroizing::new(b"stderr".to_vec()));
    let (policy, metadata) = (Some("{}".to_owned()), Some(vec![0xa0]));
    let entries = [ListEntry { id: ID, version: 1 }, ListEntry { id: ID, version: 24 }];
    vec![
        ("run result", RunResult { value: Some(7), stderr }.encode().to_vec(), |bytes| {
            Ok(RunResult::parse(bytes)?.encode().to_vec())
        }),
        ("list", encode_list(&entries), |bytes| Ok(encode_list(&parse_list(bytes)?))),
        ("statement result", StatementResult { statement: b"statement".to_vec() }.encode(), |bytes| {
            Ok(StatementResult::parse(bytes)?.encode())
        }),
        ("vault offer", VaultOffer { document: vec![1], claims: vec![2] }.encode(), |bytes| {
            Ok(VaultOffer::parse(bytes)?.encode())
        }),
        ("policy texts", PolicyTexts { policy, metadata }.encode(), |bytes| Ok(PolicyTexts::parse(bytes)?.encode())),
        ("unread policy", PolicyTexts { policy: None, metadata: None }.encode(), |bytes| {
            Ok(PolicyTexts::parse(bytes)?.encode())
        }),
    ]
}

fn session_messages() -> Vec<Case> {
    let hello = Hello { nonce: Nonce::new([5; 32]), suites: vec![SUITE, 1 << 20] };
    vec![
        ("hello", hello.encode(), |bytes| Ok(Hello::parse(bytes)?.encode())),
        ("session claims", session_claims().encode(), |bytes| {
            Ok(SessionClaims::parse(bytes, TrustMode::Production)?.encode())
        }),
        ("request", request().encode().to_vec(), |bytes| Ok(Request::parse(bytes)?.encode().to_vec())),
        ("response", response(), |bytes| Ok(without_length(&Response::parse(bytes, 300, &REQUEST_DIGEST)?))),
        ("receipt", receipt().encode(), |bytes| Ok(Receipt::parse(bytes)?.encode())),
        ("receipt bundle", receipt_bundle().encode(), |bytes| Ok(ReceiptBundle::parse(bytes)?.encode())),
    ]
}

fn stored_items() -> Vec<Case> {
    vec![
        ("configuration", configuration().encode(), |bytes| Ok(Configuration::parse(bytes)?.encode())),
        ("vault claims", vault_claims().encode(), |bytes| {
            Ok(VaultClaims::parse(bytes, TrustMode::Production)?.encode())
        }),
        ("vault record", vault_record(b"", &vault_claims()).encode(), |bytes| Ok(VaultRecord::parse(bytes)?.encode())),
        ("function record", function_record().encode(), |bytes| Ok(FunctionRecord::parse(bytes)?.encode())),
        ("a function's associated data", object_ad(ObjectContent::Function(CHECKSUM)).encode(), |bytes| {
            Ok(ObjectAd::parse(bytes)?.encode())
        }),
        ("a vault key's associated data", object_ad(ObjectContent::VaultKey(KID)).encode(), |bytes| {
            Ok(ObjectAd::parse(bytes)?.encode())
        }),
        (
            "header for two functions",
            header(Some(vec![Checksum::new([3; 32]), Checksum::new([4; 32])])).encode().unwrap(),
            |bytes| CiphertextHeader::parse(bytes)?.encode(),
        ),
        ("header for any function", header(None).encode().unwrap(), |bytes| CiphertextHeader::parse(bytes)?.encode()),
    ]
}

/// Items whose bytes nothing authenticates. A change is rejected, or it is the encoding of another value.
fn parsers() -> Vec<Case> {
    [stored_items(), session_messages(), parameters(), results()].concat()
}

/// Items with a signature or a digest over all of their bytes. Every change is rejected.
fn authenticated() -> Vec<Case> {
    vec![
        ("COSE_Sign1", identity().sign1(TYP, b"aad", b"payload"), |bytes| {
            Ok(identity().owner().verify(TYP, b"aad", bytes)?.to_vec())
        }),
        ("function record, signed", identity().sign1(FUNCTION_RECORD, &[], &function_record().encode()), |bytes| {
            Ok(FunctionRecord::verify(&identity().owner(), bytes)?.encode())
        }),
        ("statement", statement(), |bytes| Ok(Statement::parse(bytes, TrustMode::Production)?.claims.encode())),
        ("deployers", deployers(&[1, 2]), |bytes| {
            let configuration = Configuration { deployers: Some(sha256(&[&deployers(&[1, 2])])), ..configuration() };
            Ok(vec![Deployers::parse(&configuration, Some(bytes))?.unwrap().allowed(&deployer(1)).into()])
        }),
    ]
}

fn deployer(byte: u8) -> OwnerKey {
    OwnerKey::new([byte; 32])
}

fn deployers(bytes: &[u8]) -> Vec<u8> {
    Deployers::encode(&[7; 32], bytes.iter().map(|byte| deployer(*byte)).collect())
}

#[test]
fn every_item_is_written_as_it_was_read() {
    for (name, valid, rewrite) in parsers() {
        assert_eq!(rewrite(&valid).as_ref(), Ok(&valid), "{name}");
    }
    for (name, valid, rewrite) in authenticated() {
        assert!(rewrite(&valid).is_ok(), "{name}");
    }
}

#[test]
fn a_flipped_bit_is_rejected_or_encodes_another_value() {
    for (name, valid, rewrite) in parsers() {
        for flip in bit_flips(&valid) {
            if let Ok(written) = rewrite(&flip.bytes) {
                assert_eq!(written, flip.bytes, "{name}, {flip}");
            }
        }
    }
}

#[test]
fn rejects_every_flipped_bit_of_authenticated_items() {
    for (name, valid, rewrite) in authenticated() {
        for flip in bit_flips(&valid) {
            assert!(rewrite(&flip.bytes).is_err(), "{name}, {flip}");
        }
    }
}

#[test]
fn rejects_every_truncation_and_a_trailing_byte() {
    for (name, valid, rewrite) in parsers().into_iter().chain(authenticated()) {
        for truncated in truncations(&valid) {
            assert!(rewrite(truncated).is_err(), "{name}, {} bytes", truncated.len());
        }
        assert!(rewrite(&[valid.as_slice(), &[0]].concat()).is_err(), "{name}, a trailing byte");
    }
}

#[test]
fn a_list_of_deployers_has_one_encoding() {
    assert_eq!(deployers(&[2, 1, 2]), deployers(&[1, 2]));
}

#[test]
fn accepts_claims_without_a_configuration_only_under_a_development_root() {
    let bare = VaultClaims { configuration: Vec::new(), kms: None, ..vault_claims() };
    let record = identity().sign1(VAULT_RECORD, &[], &vault_record(b"document", &bare).encode());
    let statement = encode_statement(b"document", &bare.encode(), &record);
    assert!(Statement::parse(&statement, TrustMode::Development).is_ok());
    assert_eq!(Statement::parse(&statement, TrustMode::Production).err(), Some(Error::DevelopmentOnly));
    let bare = SessionClaims { configuration: Vec::new(), kms: None, ..session_claims() }.encode();
    assert!(SessionClaims::parse(&bare, TrustMode::Development).is_ok());
    assert_eq!(SessionClaims::parse(&bare, TrustMode::Production).err(), Some(Error::DevelopmentOnly));
}

#[test]
fn rejects_a_record_about_another_statement() {
    let right = vault_record(b"document", &vault_claims());
    let arn = Arn::parse(&ARN.replace("eu-central", "eu-west")).unwrap();
    for wrong in [
        VaultRecord { epoch: 4, ..right.clone() },
        VaultRecord { kid: Kid::new([0; 32]), ..right.clone() },
        VaultRecord { document: [0; 48], ..right.clone() },
        VaultRecord { claims: [0; 48], ..right.clone() },
        VaultRecord { arn, ..right },
    ] {
        let record = identity().sign1(VAULT_RECORD, &[], &wrong.encode());
        let statement = encode_statement(b"document", &vault_claims().encode(), &record);
        let parsed = Statement::parse(&statement, TrustMode::Production);
        assert_eq!(parsed.err(), Some(Error::Mismatch(MessageKind::Statement)));
    }
}

#[test]
fn a_vault_key_is_valid_for_at_most_400_days_after_its_document() {
    let document = UnixMillis::new(1_000);
    let until = document.plus(MAX_VALIDITY);
    let claims = VaultClaims { until, ..vault_claims() };
    assert_eq!(claims.check_until(document, until), Ok(()));
    let (earlier, beginning) = (UnixMillis::new(999), UnixMillis::new(0));
    assert_eq!(claims.check_until(earlier, beginning), Err(Error::Malformed(MessageKind::Statement)));
    let now = until.plus(1);
    assert_eq!(claims.check_until(document, now), Err(Error::Expired { time: until, now }));
}

#[test]
fn limits_can_only_lower_the_compiled_in_ones() {
    let Limits { run, memory, input, output } = configuration().limits.effective();
    assert_eq!((run, memory, input, output), (30_000, 256 << 20, 1 << 20, 0));
    let most = u64::MAX;
    let all = Limits { run: most, memory: most, input: most, output: most };
    assert_eq!(all.effective(), Limits::MAXIMA);
}

#[test]
fn the_list_of_deployers_must_match_the_configuration() {
    let list = deployers(&[1]);
    let named = Configuration { deployers: Some(sha256(&[&list])), ..configuration() };
    let anyone = Configuration { deployers: None, ..configuration() };
    let mismatch = Err(Error::Mismatch(MessageKind::Configuration));
    let found = Deployers::parse(&named, Some(&list)).unwrap().unwrap();
    assert!(found.allowed(&deployer(1)) && !found.allowed(&deployer(2)));
    assert_eq!(Deployers::parse(&anyone, None), Ok(None));
    assert_eq!(Deployers::parse(&anyone, Some(&list)), mismatch);
    assert_eq!(Deployers::parse(&named, None), mismatch);
    assert_eq!(Deployers::parse(&named, Some(&deployers(&[2]))), mismatch);
    // The digest matches, but the keys are not sorted.
    let descending: Vec<u8> = [&[0x83, 0x58, 32][..], &[7; 32], &[0x58, 32], &[2; 32], &[0x58, 32], &[1; 32]].concat();
    let unsorted = Configuration { deployers: Some(sha256(&[&descending])), ..configuration() };
    assert_eq!(Deployers::parse(&unsorted, Some(&descending)), Err(Error::Malformed(MessageKind::Configuration)));
}

#[test]
fn does_not_write_a_header_whose_checksums_no_parser_accepts() {
    let [zero, one, two] = [0, 1, 2].map(|byte| Checksum::new([byte; 32]));
    for checksums in [vec![], vec![two, one], vec![one, one], vec![zero; 1025]] {
        assert_eq!(header(Some(checksums)).encode(), Err(Error::Malformed(MessageKind::Ciphertext)));
    }
}

fn manifest() -> Manifest<'static> {
    Manifest {
        entry: "a/main.wasm",
        nonce: Some([1; 32]),
        entry_point: EntryPoint::Reactor,
        handler: Some("redact"),
        arguments: vec!["-v", ""],
    }
}

const MODULE: &[u8] = b"\0asm";
const FILES: [(&str, &[u8]); 3] = [("b", b"2"), ("a/main.wasm", MODULE), ("a-", b"")];

#[test]
fn the_order_of_files_does_not_change_a_bundle() {
    let bytes = Bundle::build(&manifest(), FILES.to_vec()).unwrap();
    assert_eq!(Bundle::build(&manifest(), FILES.iter().rev().copied().collect()), Ok(bytes.clone()));
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!((&bundle.manifest, bundle.module), (&manifest(), MODULE));
    assert_eq!(bundle.files, [FILES[2], FILES[1], FILES[0]]);
    assert_eq!(bundle.manifest.job_handler(), "redact");
}

#[test]
fn rejects_invalid_manifests() {
    let build = |manifest: Manifest<'_>| Bundle::build(&manifest, FILES.to_vec()).err();
    let command = || Manifest { entry_point: EntryPoint::Command, handler: None, ..manifest() };
    let malformed = Some(Error::Malformed(MessageKind::Bundle));
    assert_eq!(build(Manifest { entry: "main.wasm", ..manifest() }), malformed);
    assert_eq!(build(Manifest { entry: "", ..manifest() }), malformed);
    assert_eq!(build(Manifest { handler: Some("redact"), ..command() }), malformed);
    assert_eq!(build(Manifest { handler: Some(""), ..manifest() }), malformed);
    assert_eq!(build(Manifest { arguments: vec!["a\0b"], ..manifest() }), malformed);
    assert_eq!(build(Manifest { arguments: vec!["a"; 65], ..manifest() }), Some(Error::TooLarge(MessageKind::Bundle)));
    assert_eq!(build(command()), None);
    assert_eq!(Manifest { handler: None, ..manifest() }.job_handler(), HANDLER);
    assert_eq!(command().job_handler(), "");
}

/// A second encoding of one function would give it a second checksum.
#[test]
fn rejects_a_manifest_that_states_a_default() {
    let bundle = |manifest: &[u8]| [b"\x82", manifest, b"\x81\x82\x61a\x41w"].concat();
    assert!(Bundle::parse(&bundle(b"\xa1\x01\x61a")).is_ok());
    assert!(Bundle::parse(&bundle(b"\xa2\x01\x61a\x03\x01")).is_ok());
    for with_default in [b"\xa2\x01\x61a\x03\x00", b"\xa2\x01\x61a\x05\x80"] {
        assert_eq!(Bundle::parse(&bundle(with_default)), Err(Error::Malformed(MessageKind::Bundle)));
    }
}

#[test]
fn rejects_invalid_paths_and_too_many_of_them() {
    let malformed = Err(Error::Malformed(MessageKind::Bundle));
    let too_large = Err(Error::TooLarge(MessageKind::Bundle));
    let long = "a".repeat(1025);
    for path in ["", "/a", "a/", "a//b", ".", "./b", "a/..", "a\0", "e\u{301}", "b/c", "input", "input/0", &long] {
        let files = FILES.iter().copied().chain([(path, &b""[..])]).collect();
        assert_eq!(Bundle::build(&manifest(), files), malformed, "{path:?}");
    }
    let twice = FILES.iter().copied().chain([FILES[0]]).collect();
    assert_eq!(Bundle::build(&manifest(), twice), malformed);
    let names: Vec<String> = (0..4097).map(|i| format!("{i}")).collect();
    let many = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::build(&manifest(), many), too_large);
    let names: Vec<String> = (0..600).map(|i| format!("{i}{}", "x".repeat(1000))).collect();
    let wide = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::build(&manifest(), wide), too_large);
}

#[test]
fn a_flipped_bit_of_a_bundle_is_rejected_or_another_bundle() {
    let bytes = Bundle::build(&manifest(), FILES.to_vec()).unwrap();
    let valid = Bundle::parse(&bytes).unwrap();
    for flip in bit_flips(&bytes) {
        assert_ne!(Bundle::parse(&flip.bytes).as_ref(), Ok(&valid), "{flip}");
    }
    for truncated in truncations(&bytes) {
        assert!(BundleForm::parse(truncated).is_err(), "{} bytes", truncated.len());
    }
}

proptest! {
    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (name, _, rewrite) in parsers() {
            if let Ok(written) = rewrite(&noise) {
                prop_assert_eq!(&written, &noise, "{}", name);
            }
        }
        for (name, _, rewrite) in authenticated() {
            prop_assert!(rewrite(&noise).is_err(), "{}", name);
        }
        let _ = (Bundle::parse(&noise), BundleForm::parse(&noise), Ciphertext::parse(&noise), payload1(&noise));
    }

    #[test]
    fn spliced_items_never_panic(which in any::<Index>(), at in any::<Index>(), cut in 0usize..40, noise in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut parsers = parsers();
        let (name, valid, rewrite) = parsers.swap_remove(which.index(parsers.len()));
        let at = at.index(valid.len());
        let spliced = [&valid[..at], &noise, valid.get(at + cut..).unwrap_or_default()].concat();
        if let Ok(written) = rewrite(&spliced) {
            prop_assert_eq!(&written, &spliced, "{}", name);
        }
    }

    #[test]
    fn bundles_are_read_as_they_were_built(paths in proptest::collection::btree_set("[a-z]{1,3}(/[a-z.]{1,3}){0,2}", 1..8), content in any::<[u8; 5]>()) {
        let files: Vec<(&str, &[u8])> = paths.iter().map(|path| (path.as_str(), &content[..])).collect();
        let manifest = Manifest { entry: files[0].0, ..manifest() };
        // Some paths have a part `.` or `..`, or a file as a directory. These are rejected.
        if let Ok(bytes) = Bundle::build(&manifest, files.clone()) {
            let bundle = Bundle::parse(&bytes).unwrap();
            prop_assert_eq!(&bundle.manifest, &manifest);
            prop_assert_eq!(bundle.files, files);
        }
    }
}
