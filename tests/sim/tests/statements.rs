//! A vault statement and an encrypted file, changed in one field at a time by anyone who stores them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_hostile_bytes::byte_flips;
use capelet_sim::person::Person;
use capelet_sim::vault::{self, VerifiedOffer};
use capelet_sim::verbs::Input;
use common::{OTHER_ARN, alter, alter_at, changed_vault_records, code, flipped, scenario, with_payload};
use enclave_core::attestation::VaultClaims;
use enclave_core::crypto::{COMMITMENT_LEN, ENC_LEN, KemSecret, sha384};
use enclave_core::identity::{VAULT_RECORD, VaultRecord};
use enclave_core::kms::{Arn, KmsKeyState};
use enclave_core::messages::VaultOffer;
use enclave_core::objects::{Ciphertext, CiphertextHeader, encode_statement};
use enclave_core::parent::StoreKind;
use enclave_core::{Checksum, Error, Kid};

/// A name, the changed statement, and the expected code.
type Change = (String, Vec<u8>, &'static str);

fn sign(person: &Person, record: &VaultRecord) -> Vec<u8> {
    person.identity.sign1(VAULT_RECORD, &[], &record.encode())
}

/// Changes of the claims, under the owner's record of the true ones.
fn claims_changes(verified: &VerifiedOffer, record: &[u8], other: &Person) -> Vec<Change> {
    let VaultOffer { document, claims } = &verified.offer;
    let with = |change: &dyn Fn(&mut VaultClaims)| {
        let mut claims = verified.claims.clone();
        change(&mut claims);
        claims.encode()
    };
    let kms = |change: &dyn Fn(&mut KmsKeyState)| with(&|claims| change(claims.kms.as_mut().unwrap()));
    let other_key = KemSecret::from_seed(&[9; 32]).unwrap().public();
    let changes = [
        ("label", flipped(claims, 4), "malformed"),
        ("epoch", with(&|claims| claims.epoch += 1), "disagrees"),
        ("suite", with_other_suite(claims), "malformed"),
        ("key", with(&|claims| claims.key = other_key.clone()), "disagrees"),
        ("kid", with(&|claims| alter(&mut claims.kid)), "disagrees"),
        (
            "key and kid",
            with(&|claims| (claims.key, claims.kid) = (other_key.clone(), Kid::of(&other_key))),
            "disagrees",
        ),
        ("previous", with(&|claims| claims.previous = Some(Kid::new([1; 32]))), "disagrees"),
        ("until", with(&|claims| claims.until = claims.until.plus(1)), "disagrees"),
        ("configuration", with(&|claims| claims.configuration.clear()), "disagrees"),
        ("KMS key", kms(&|kms| kms.arn = Arn::parse(OTHER_ARN).unwrap()), "disagrees"),
        ("KMS policy", kms(&|kms| kms.policy = None), "disagrees"),
        ("KMS metadata", kms(&|kms| kms.metadata = None), "disagrees"),
        ("KMS time", kms(&|kms| kms.read_at = kms.read_at.plus(1)), "disagrees"),
        ("no KMS key", with(&|claims| claims.kms = None), "disagrees"),
        // The record is not verified with another owner's key.
        ("owner", with(&|claims| claims.owner = other.owner), "bad-signature"),
    ];
    changes.map(|(name, claims, code)| (name.to_string(), encode_statement(document, &claims, record), code)).into()
}

/// The claims with suite 2. [`VaultClaims`] cannot say it.
fn with_other_suite(claims: &[u8]) -> Vec<u8> {
    // Key 4, suite 1, key 5.
    let at = claims.windows(3).position(|window| window == [4, 1, 5]).unwrap() + 1;
    let mut changed = claims.to_vec();
    changed[at] = 2;
    changed
}

/// The enclave passes a statement on unchanged, and the client verifies it.
#[test]
fn rejects_every_change_of_a_statement() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let verified = vault::create(&fixture.run, &mut session, &mut fixture.owner, 1).unwrap();
        vault::confirm(&fixture.run, &mut session, &mut fixture.owner, &verified).unwrap();
        let (key, genuine) = fixture.stored(StoreKind::Statement).remove(0);
        let record = vault::record(&fixture.run, &fixture.owner, &verified).unwrap();
        let signed = sign(&fixture.owner, &record);
        let VaultOffer { document, claims } = &verified.offer;
        assert_eq!(encode_statement(document, claims, &signed), genuine);

        let mut changes = claims_changes(&verified, &signed, &fixture.other);
        let mut add = |name: &str, bytes: Vec<u8>, code| changes.push((name.to_string(), bytes, code));
        for flip in byte_flips(document, 1).step_by(97) {
            let changed = encode_statement(&flip.bytes, claims, &signed);
            add(&format!("document, {flip}"), changed, "disagrees");
        }
        for (name, payload) in changed_vault_records(&record) {
            let forged = with_payload(&signed, &payload);
            add(&format!("record {name}"), encode_statement(document, claims, &forged), "bad-signature");
            let forged = fixture.other.identity.sign1(VAULT_RECORD, &[], &payload);
            let forged = encode_statement(document, claims, &forged);
            add(&format!("record {name}, signed by another"), forged, "bad-signature");
        }
        // A valid statement of another owner.
        let mut others_session = fixture.others_session();
        let others = vault::create(&fixture.run, &mut others_session, &mut fixture.other, 1).unwrap();
        let others_record = sign(&fixture.other, &vault::record(&fixture.run, &fixture.other, &others).unwrap());
        let others = encode_statement(&others.offer.document, &others.offer.claims, &others_record);
        add("another owner's", others, "wrong-owner");
        // The owner's record does not replace the verification of the document.
        for (name, document, code) in [
            ("a damaged document with a record", flipped(document, document.len() - 1), "bad-signature"),
            ("the document of a session with a record", session.document.clone(), "claims-mismatch"),
        ] {
            let record = VaultRecord { document: sha384(&[&document]), ..record.clone() };
            add(name, encode_statement(&document, claims, &sign(&fixture.owner, &record)), code);
        }
        add("truncated", genuine[..genuine.len() - 1].to_vec(), "malformed");
        add("trailing byte", [genuine.as_slice(), &[0]].concat(), "malformed");

        let owner = fixture.owner.owner;
        for (name, bytes, code) in changes {
            assert_ne!(bytes, genuine, "{name} changes nothing");
            fixture.put(key, bytes.clone());
            let fetched = vault::statement(&mut session, &mut fixture.owner, owner, None).unwrap();
            assert_eq!(fetched, bytes, "{name}");
            let result = vault::verify_statement(&fixture.run, &fetched, owner, None).map(|_| ());
            assert_eq!(result.map_err(Error::code), Err(code), "{name}");
        }
        assert!(vault::verify_statement(&fixture.run, &genuine, owner, None).is_ok());
    });
}

#[test]
fn rejects_every_change_of_an_encrypted_file() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let claims = fixture.make_key(&mut session, 1);
        let checksums = Some(vec![function.checksum]);
        let file = vault::encrypt(&mut fixture.owner.prng, &claims, checksums, b"secret").unwrap();
        let parsed = Ciphertext::parse(&file).unwrap();
        // "CPLT" and the header's length come before the header; `enc` and the stream follow it.
        let enc = 8 + parsed.header_bytes.len();
        let commitment = enc + ENC_LEN;
        let with = |change: &dyn Fn(&mut CiphertextHeader)| {
            let mut header = parsed.header.clone();
            change(&mut header);
            let header = header.encode().unwrap();
            [&file[..4], &(header.len() as u32).to_be_bytes(), &header, &file[enc..]].concat()
        };
        let other = fixture.other.owner;
        let first = |header: &mut CiphertextHeader, checksum| header.checksums.as_mut().unwrap().insert(0, checksum);
        let changes = [
            ("magic", flipped(&file, 0), "malformed"),
            ("length", flipped(&file, 7), "malformed"),
            ("label", flipped(&file, 8 + 5), "malformed"),
            ("owner", with(&|header| header.owner = other), "refused"),
            ("kid of the same object", with(&|header| alter_at(&mut header.kid, 31)), "disagrees"),
            ("kid of no object", with(&|header| alter(&mut header.kid)), "not-found"),
            ("another function", with(&|header| header.checksums = Some(vec![Checksum::new([1; 32])])), "refused"),
            ("one more function", with(&|header| first(header, Checksum::new([0; 32]))), "cannot-open"),
            ("any function", with(&|header| header.checksums = None), "cannot-open"),
            ("enc, first byte", flipped(&file, enc), "cannot-open"),
            ("enc, last byte", flipped(&file, commitment - 1), "cannot-open"),
            ("commitment", flipped(&file, commitment), "cannot-open"),
            ("chunk", flipped(&file, commitment + COMMITMENT_LEN), "cannot-open"),
            ("tag", flipped(&file, file.len() - 1), "cannot-open"),
            ("truncated", file[..file.len() - 1].to_vec(), "cannot-open"),
            ("trailing byte", [file.as_slice(), &[0]].concat(), "cannot-open"),
        ];
        for (name, changed, expected) in changes {
            let received = fixture.run(&mut session, &function, &[Input::Encrypted(changed, 1)]);
            assert_eq!(code(received), expected, "{name}");
        }
        // The epoch is in the request and not in the file.
        for epoch in [0, 2] {
            let received = fixture.run(&mut session, &function, &[Input::Encrypted(file.clone(), epoch)]);
            assert_eq!(code(received), "not-found", "epoch {epoch}");
        }
        assert_eq!(code(fixture.run(&mut session, &function, &[Input::Encrypted(file.clone(), 1)])), "done");
    });
}
