//! What a receipt's holder can prove: exactly the data and files whose salts the bundle discloses, of a receipt of this
//! session.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use enclave_core::attestation::{MAX_CLAIMS, MAX_DOCUMENT, SessionClaims};
use enclave_core::crypto::{KemSecret, seal_bytes, sha384};
use enclave_core::encoding::SigningKey;
use enclave_core::messages::{RunFailure, RunStatus, Verb};
use enclave_core::objects::{
    Ciphertext, CiphertextHeader, InputCommitments, MAX_INPUTS, MAX_RECEIPT_AGE, Receipt, ReceiptBundle,
    ReceiptFunction, begin_encryption,
};
use enclave_core::state::CLOCK_AGE;
use enclave_core::{
    Checksum, ClaimsDigest, Commitment, Error, Kid, MessageKind, ObjectId, OwnerKey, ReceiptKey, RequestDigest, Salt,
    UnixMillis,
};
use enclave_core_aws_lc::AwsLc;
use zeroize::Zeroizing;

const OUTPUT: &[u8] = b"output";
const PLAIN: &[u8] = b"plaintext input";
const SECRET: &[u8] = b"encrypted input";
/// The time of the session's document.
const DOCUMENT: UnixMillis = UnixMillis::new(1 << 40);

const MALFORMED: Error = Error::Malformed(MessageKind::Receipt);
const MISMATCH: Result<(), Error> = Err(Error::Mismatch(MessageKind::Receipt));
const TOO_LARGE: Error = Error::TooLarge(MessageKind::Receipt);

fn key() -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([7; 32]))
}

fn salt(byte: u8) -> Salt {
    Salt::new([byte; 32])
}

fn claims() -> SessionClaims {
    SessionClaims {
        hello: [1; 48],
        exporter: [2; 32],
        kem_public: KemSecret::from_seed(&[5; 32]).unwrap().public(),
        receipt_key: ReceiptKey::new(key().public()),
        configuration: Vec::new(),
        kms: None,
        memory: 1 << 30,
    }
}

/// An encrypted file.
fn file(entropy: u8) -> Vec<u8> {
    let vault_key = KemSecret::from_seed(&[5; 32]).unwrap().public();
    let header = CiphertextHeader { owner: OwnerKey::new([8; 32]), kid: Kid::of(&vault_key), checksums: None };
    let begun = begin_encryption(&header, &vault_key, &[entropy; 64]).unwrap();
    let stream = seal_bytes::<AwsLc>(begun.secret, &begun.aad, SECRET).unwrap();
    [begun.prefix, stream].concat()
}

/// The receipt of a run on a plaintext input and an encrypted one.
fn receipt() -> Receipt {
    let file = file(1);
    let file = Ciphertext::parse(&file).unwrap();
    let ciphertext = Some(Commitment::to_ciphertext(&salt(12), &file.header.kid, &file.digest()));
    let (owner, id, checksum) = (OwnerKey::new([8; 32]), ObjectId::new([4; 16]), Checksum::new([6; 32]));
    Receipt {
        claims: ClaimsDigest::new(sha384(&[&claims().encode()])),
        request: RequestDigest::new([3; 48]),
        function: ReceiptFunction { owner, id, version: 2, checksum },
        caller: owner,
        inputs: vec![
            InputCommitments { data: Commitment::to(&salt(1), PLAIN), ciphertext: None },
            InputCommitments { data: Commitment::to(&salt(2), SECRET), ciphertext },
        ],
        output: Some(Commitment::to(&salt(0), OUTPUT)),
        status: RunStatus::DONE,
        started: DOCUMENT,
        ended: DOCUMENT.plus(1),
        verb: Verb::Run,
    }
}

/// A bundle with this receipt that discloses everything.
fn bundle_of(receipt: &Receipt) -> ReceiptBundle {
    ReceiptBundle {
        document: b"document".to_vec(),
        claims: claims().encode(),
        receipt: receipt.sign(&key()),
        salts: vec![Some(salt(0)), Some(salt(1)), Some(salt(2))],
        ciphertext_salts: vec![None, Some(salt(12))],
    }
}

fn bundle() -> ReceiptBundle {
    bundle_of(&receipt())
}

/// Everything that the receipt commits to.
const DATA: [Option<&[u8]>; 3] = [Some(OUTPUT), Some(PLAIN), Some(SECRET)];

#[test]
fn data_beyond_the_salts_is_a_mismatch() {
    let (bundle, receipt) = (bundle(), receipt());
    let check = |data: &[Option<&[u8]>]| bundle.check_data(&receipt, data);
    assert_eq!(check(&DATA), Ok(()));
    for beyond in [None, Some(OUTPUT), Some(b"".as_slice())] {
        assert_eq!(check(&[DATA.as_slice(), &[beyond]].concat()), MISMATCH, "{beyond:?}");
    }
    // Less is compared as far as it goes.
    for count in 0..3 {
        assert_eq!(check(&DATA[..count]), Ok(()), "{count}");
    }
    assert_eq!(check(&[None, None, Some(SECRET)]), Ok(()));
}

#[test]
fn other_data_at_any_position_is_a_mismatch() {
    let (bundle, receipt) = (bundle(), receipt());
    for at in 0..3 {
        let mut data = DATA;
        data[at] = Some(b"other");
        assert_eq!(bundle.check_data(&receipt, &data), MISMATCH, "{at}");
        assert_eq!(bundle.check_data(&receipt, &data[..=at]), MISMATCH, "{at}");
        data[at] = None;
        assert_eq!(bundle.check_data(&receipt, &data), Ok(()), "{at}");
    }
    assert_eq!(bundle.check_data(&receipt, &[Some(OUTPUT), Some(SECRET), Some(PLAIN)]), MISMATCH, "in another order");
}

#[test]
fn data_whose_salt_is_not_disclosed_is_a_mismatch() {
    let receipt = receipt();
    for hidden in 0..3 {
        let mut bundle = bundle();
        bundle.salts[hidden] = None;
        assert_eq!(bundle.check_data(&receipt, &DATA), MISMATCH, "{hidden}");
        let mut data = DATA;
        data[hidden] = None;
        assert_eq!(bundle.check_data(&receipt, &data), Ok(()), "{hidden}");
    }
    // A run that failed has no output, so nothing can be its output.
    let failed = Receipt { output: None, status: RunStatus::failed(RunFailure::Trapped), ..receipt };
    assert_eq!(bundle().check_data(&failed, &[Some(OUTPUT)]), MISMATCH);
    assert_eq!(bundle().check_data(&failed, &[None, Some(PLAIN)]), Ok(()));
}

#[test]
fn only_the_file_of_the_named_input_matches() {
    let (bundle, receipt, file, other) = (bundle(), receipt(), file(1), file(2));
    assert_eq!(bundle.check_ciphertext(&receipt, 1, &file), Ok(()));
    assert_eq!(bundle.check_ciphertext(&receipt, 1, &other), MISMATCH, "another file");
    assert_eq!(bundle.check_ciphertext(&receipt, 0, &file), MISMATCH, "a plaintext input");
    for beyond in [2, 3, usize::MAX] {
        assert_eq!(bundle.check_ciphertext(&receipt, beyond, &file), MISMATCH, "input {beyond}");
    }
    let mut undisclosed = bundle.clone();
    undisclosed.ciphertext_salts[1] = None;
    assert_eq!(undisclosed.check_ciphertext(&receipt, 1, &file), MISMATCH, "no salt");
    let mut wrong = bundle.clone();
    wrong.ciphertext_salts[1] = Some(salt(2));
    assert_eq!(wrong.check_ciphertext(&receipt, 1, &file), MISMATCH, "another salt");
    // A salt for the plaintext input gives it no file.
    wrong.ciphertext_salts[0] = Some(salt(12));
    assert_eq!(wrong.check_ciphertext(&receipt, 0, &file), MISMATCH, "a salt for a plaintext input");
    let not_encrypted = bundle.check_ciphertext(&receipt, 1, SECRET);
    assert_eq!(not_encrypted, Err(Error::Malformed(MessageKind::Ciphertext)));
}

#[test]
fn the_output_and_each_input_have_one_entry_among_the_salts() {
    let verify = |edit: fn(&mut ReceiptBundle)| {
        let mut bundle = bundle();
        edit(&mut bundle);
        bundle.verify_signature(&claims()).map(|_| ())
    };
    assert_eq!(verify(|_| {}), Ok(()));
    assert_eq!(verify(|bundle| bundle.salts = vec![None; 3]), Ok(()), "nothing is disclosed");
    assert_eq!(verify(|bundle| bundle.ciphertext_salts = vec![None; 2]), Ok(()), "no file is disclosed");
    assert_eq!(verify(|bundle| bundle.salts.clear()), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.salts.truncate(2)), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.salts.push(None)), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.ciphertext_salts.clear()), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.ciphertext_salts.truncate(1)), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.ciphertext_salts.push(None)), Err(MALFORMED));
    assert_eq!(verify(|bundle| bundle.ciphertext_salts[0] = Some(salt(1))), Err(MALFORMED), "of a plaintext input");
    let failed = Receipt { output: None, status: RunStatus::failed(RunFailure::Trapped), ..receipt() };
    let bundle = bundle_of(&failed);
    assert_eq!(bundle.verify_signature(&claims()), Err(MALFORMED), "a salt of no output");
    let without = ReceiptBundle { salts: vec![None, Some(salt(1)), Some(salt(2))], ..bundle };
    assert_eq!(without.verify_signature(&claims()), Ok(failed));
}

#[test]
fn rejects_a_receipt_of_another_key_or_of_another_session() {
    let other_key = SessionClaims { receipt_key: ReceiptKey::new([0; 32]), ..claims() };
    assert_eq!(bundle().verify_signature(&other_key), Err(Error::BadSignature));
    let other_session = SessionClaims { exporter: [3; 32], ..claims() };
    let bundle = ReceiptBundle { claims: other_session.encode(), ..bundle() };
    assert_eq!(bundle.verify_signature(&other_session), Err(Error::ClaimsMismatch));
}

#[test]
fn a_run_belongs_to_the_hour_after_its_sessions_document() {
    let verify = |started, ended| {
        let receipt = Receipt { started, ended, ..receipt() };
        let verified = bundle_of(&receipt).verify(&claims(), DOCUMENT);
        assert!(verified.as_ref().is_err() || verified.as_ref() == Ok(&receipt));
        verified.map(|_| ())
    };
    let latest = DOCUMENT.plus(MAX_RECEIPT_AGE);
    assert_eq!(verify(DOCUMENT, latest), Ok(()));
    assert_eq!(verify(DOCUMENT, latest.plus(1)), Err(Error::Expired { time: DOCUMENT, now: latest.plus(1) }));
    let earliest = UnixMillis::new(DOCUMENT.get() - CLOCK_AGE);
    assert_eq!(verify(earliest, earliest), Ok(()));
    let early = UnixMillis::new(DOCUMENT.get() - CLOCK_AGE - 1);
    assert_eq!(verify(early, DOCUMENT), Err(Error::NotYetValid { time: DOCUMENT, now: early }));
}

#[test]
fn rejects_receipts_that_contradict_themselves() {
    let parse = |receipt: Receipt| Receipt::parse(&receipt.encode()).map(|_| ());
    let failed = RunStatus::failed(RunFailure::Trapped);
    assert_eq!(parse(receipt()), Ok(()));
    assert_eq!(parse(Receipt { ended: DOCUMENT, ..receipt() }), Ok(()), "a run of no millisecond");
    assert_eq!(parse(Receipt { started: DOCUMENT.plus(2), ..receipt() }), Err(MALFORMED), "it ends before it starts");
    assert_eq!(parse(Receipt { output: None, ..receipt() }), Err(MALFORMED), "done without an output");
    assert_eq!(parse(Receipt { status: failed, ..receipt() }), Err(MALFORMED), "failed with an output");
    assert_eq!(parse(Receipt { output: None, status: failed, ..receipt() }), Ok(()));
}

#[test]
fn a_receipt_has_at_most_the_inputs_of_a_run() {
    let most = MAX_INPUTS as usize;
    let with_inputs = |count| {
        let receipt = Receipt { inputs: vec![receipt().inputs[0]; count], ..receipt() };
        Receipt::parse(&receipt.encode()).map(|parsed| parsed.inputs.len())
    };
    assert_eq!(with_inputs(most), Ok(most));
    assert_eq!(with_inputs(most + 1), Err(TOO_LARGE));
    // A bundle has one salt more, for the output.
    let with_salts = |salts, ciphertext_salts| {
        let bundle =
            ReceiptBundle { salts: vec![None; salts], ciphertext_salts: vec![None; ciphertext_salts], ..bundle() };
        ReceiptBundle::parse(&bundle.encode()).map(|parsed| (parsed.salts.len(), parsed.ciphertext_salts.len()))
    };
    assert_eq!(with_salts(most + 1, most + 1), Ok((most + 1, most + 1)));
    assert_eq!(with_salts(most + 2, 0), Err(TOO_LARGE));
    assert_eq!(with_salts(0, most + 2), Err(TOO_LARGE));
}

#[test]
fn rejects_a_bundle_whose_document_or_claims_have_no_bytes_or_too_many() {
    let with = |document: usize, claims: usize| {
        let bundle = ReceiptBundle { document: vec![0; document], claims: vec![0; claims], ..bundle() };
        ReceiptBundle::parse(&bundle.encode()).is_ok()
    };
    assert!(with(1, 1) && with(MAX_DOCUMENT, MAX_CLAIMS));
    assert!(!with(0, 1) && !with(1, 0) && !with(MAX_DOCUMENT + 1, 1) && !with(1, MAX_CLAIMS + 1));
}
