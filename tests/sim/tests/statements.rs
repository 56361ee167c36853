//! Every field of a vault statement and of an encrypted file, changed one at a time by whoever stores it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::verbs::{self, Function, Input};
use common::{OTHER_ARN, alone, flipped, resealed, vault_records};
use enclave_core::Error;
use enclave_core::config::Arn;
use enclave_core::parent::Kind;
use enclave_core::vault::{self, VAULT_OWNER};

/// A statement goes through the enclave as it is, and the client judges it.
#[test]
fn a_statement() {
    alone(|mut place| {
        let mut session = place.session();
        let offered = verbs::vault_create(&place.run, &mut session, &mut place.owner, 1).unwrap();
        verbs::vault_confirm(&place.run, &mut session, &mut place.owner, &offered).unwrap();
        let (key, genuine) = place.stored(Kind::Statement);
        let word = verbs::vault_record(&place.owner, &offered).unwrap();
        let signed = place.owner.identity.sign1(VAULT_OWNER, &[], &word.encode());
        let encode = |document: &[u8], claims: &[u8], record: &[u8]| vault::Statement::encode(document, claims, record);
        let (document, claims) = (&offered.document, &offered.bytes);
        assert_eq!(encode(document, claims, &signed), genuine);

        // Name, bytes, code.
        let mut changes: Vec<(String, Vec<u8>, &str)> = Vec::new();
        for at in (0..document.len()).step_by(97) {
            changes.push((format!("document {at}"), encode(&flipped(document, at), claims, &signed), "disagrees"));
        }
        let with = |change: &dyn Fn(&mut vault::VaultClaims)| {
            let mut claims = offered.claims.clone();
            change(&mut claims);
            claims.encode()
        };
        let other_key = enclave_core::seal::KemSecret::from_seed(&[9; 32]).unwrap().public();
        let fields = [
            ("label", flipped(claims, 4), "malformed"),
            ("epoch", with(&|claims| claims.epoch += 1), "disagrees"),
            (
                "suite",
                {
                    let mut bytes = claims.clone();
                    let at = suite_at(claims);
                    bytes[at] = 2;
                    bytes
                },
                "malformed",
            ),
            ("key", with(&|claims| claims.key = other_key), "disagrees"),
            ("kid", with(&|claims| claims.kid[0] ^= 1), "disagrees"),
            (
                "key and kid",
                with(&|claims| (claims.key, claims.kid) = (other_key, vault::kid(&other_key))),
                "disagrees",
            ),
            ("previous", with(&|claims| claims.previous = Some([1; 32])), "disagrees"),
            ("until", with(&|claims| claims.until += 1), "disagrees"),
            ("configuration", with(&|claims| claims.configuration.clear()), "disagrees"),
            (
                "KMS' key",
                with(&|claims| claims.kms.as_mut().unwrap().arn = Arn::parse(OTHER_ARN).unwrap()),
                "disagrees",
            ),
            ("KMS' policy", with(&|claims| claims.kms.as_mut().unwrap().policy = None), "disagrees"),
            ("KMS' facts", with(&|claims| claims.kms.as_mut().unwrap().describe = None), "disagrees"),
            ("KMS' time", with(&|claims| claims.kms.as_mut().unwrap().read += 1), "disagrees"),
            ("KMS, none", with(&|claims| claims.kms = None), "disagrees"),
            // Her word does not hold under another's name.
            ("owner", with(&|claims| claims.owner = place.attacker.owner), "bad-signature"),
        ];
        changes.extend(fields.map(|(name, claims, code)| (name.to_string(), encode(document, &claims, &signed), code)));
        for (name, payload) in vault_records(&word) {
            let forged = resealed(&signed, &payload);
            changes.push((format!("record {name}"), encode(document, claims, &forged), "bad-signature"));
            let forged = place.attacker.identity.sign1(VAULT_OWNER, &[], &payload);
            changes.push((format!("{name}, signed by another"), encode(document, claims, &forged), "bad-signature"));
        }
        // The attacker's own statement, whole and genuine, under her name.
        let mut his = Session::open(&place.enclave, &mut place.attacker.prng).unwrap();
        let theirs = verbs::vault_create(&place.run, &mut his, &mut place.attacker, 1).unwrap();
        let word = verbs::vault_record(&place.attacker, &theirs).unwrap();
        let word = place.attacker.identity.sign1(VAULT_OWNER, &[], &word.encode());
        changes.push(("another's".to_string(), encode(&theirs.document, &theirs.bytes, &word), "wrong-owner"));
        // Her word, over a document that is none of an enclave's: the document has to hold as well.
        let mut flipped_end = document.clone();
        *flipped_end.last_mut().unwrap() ^= 1;
        let mut word = verbs::vault_record(&place.owner, &offered).unwrap();
        word.document = enclave_core::digest::sha384(&[&flipped_end]);
        let word = place.owner.identity.sign1(VAULT_OWNER, &[], &word.encode());
        changes.push((
            "a false document, countersigned".to_string(),
            encode(&flipped_end, claims, &word),
            "bad-signature",
        ));
        // And it has to speak of these claims.
        let session_document = session.document.clone();
        let mut word = verbs::vault_record(&place.owner, &offered).unwrap();
        word.document = enclave_core::digest::sha384(&[&session_document]);
        let word = place.owner.identity.sign1(VAULT_OWNER, &[], &word.encode());
        changes.push((
            "a document of a session".to_string(),
            encode(&session_document, claims, &word),
            "claims-mismatch",
        ));
        changes.push(("cut short".to_string(), genuine[..genuine.len() - 1].to_vec(), "malformed"));
        changes.push(("more".to_string(), [genuine.as_slice(), &[0]].concat(), "malformed"));

        let owner = place.owner.owner;
        for (name, bytes, code) in changes {
            assert_ne!(bytes, genuine, "{name}");
            place.put(key, bytes.clone());
            let fetched = verbs::statement(&mut session, &mut place.owner, &owner, None).unwrap();
            assert_eq!(fetched, bytes, "{name}");
            let judged = verbs::judge_statement(&place.run, &fetched, &owner, None).map(|_| ());
            assert_eq!(judged.map_err(Error::code), Err(code), "{name}");
        }
        assert!(verbs::judge_statement(&place.run, &genuine, &owner, None).is_ok());
    });
}

/// Where the suite's number stands: behind key 4.
fn suite_at(claims: &[u8]) -> usize {
    claims.windows(3).position(|window| window == [4, 1, 5]).unwrap() + 1
}

/// An encrypted file passes whoever stores it.
#[test]
fn an_encrypted_file() {
    alone(|mut place| {
        let mut session = place.session();
        let owner = &mut place.owner;
        let function = Function::new(owner.owner, [1; 16], 1, b"module".to_vec());
        verbs::deploy(&place.run, &mut session, owner, &function).unwrap();
        let offered = verbs::vault_create(&place.run, &mut session, owner, 1).unwrap();
        verbs::vault_confirm(&place.run, &mut session, owner, &offered).unwrap();
        let checksums = Some(vec![function.checksum]);
        let file = verbs::encrypt(&mut owner.prng, &offered.claims, checksums, b"secret").unwrap();
        let header_length = u32::from_be_bytes(file[4..8].try_into().unwrap()) as usize;
        let (header, rest) = file[8..].split_at(header_length);
        let parsed = vault::CiphertextHeader::parse(header).unwrap();
        let with = |change: &dyn Fn(&mut vault::CiphertextHeader)| {
            let mut header = parsed.clone();
            change(&mut header);
            let header = header.encode().unwrap();
            [b"CPLT".as_slice(), &(header.len() as u32).to_be_bytes(), &header, rest].concat()
        };
        let attacker = place.attacker.owner;
        let changes = [
            ("magic", flipped(&file, 0), "malformed"),
            ("length", flipped(&file, 7), "malformed"),
            ("label", flipped(&file, 8 + 5), "malformed"),
            ("owner", with(&|header| header.owner = attacker), "refused"),
            ("kid", with(&|header| header.kid[31] ^= 1), "disagrees"),
            ("kid of none", with(&|header| header.kid[0] ^= 1), "not-found"),
            ("another function", with(&|header| header.checksums = Some(vec![[1; 32]])), "refused"),
            ("one more function", with(&|header| header.checksums.as_mut().unwrap().insert(0, [0; 32])), "cannot-open"),
            ("any function", with(&|header| header.checksums = None), "cannot-open"),
            ("enc", flipped(&file, 8 + header_length), "cannot-open"),
            ("enc's share", flipped(&file, 8 + header_length + 1119), "cannot-open"),
            ("commitment", flipped(&file, 8 + header_length + 1120), "cannot-open"),
            ("chunk", flipped(&file, 8 + header_length + 1152), "cannot-open"),
            ("tag", flipped(&file, file.len() - 1), "cannot-open"),
            ("cut", file[..file.len() - 1].to_vec(), "cannot-open"),
            ("more", [file.as_slice(), &[0]].concat(), "cannot-open"),
        ];
        for (name, changed, code) in changes {
            let inputs = [Input::Encrypted(changed, 1)];
            let answered = verbs::run_function(&place.run, &mut session, owner, &function, &inputs).unwrap();
            assert_eq!(answered.done().map(|_| ()).map_err(Error::code), Err(code), "{name}");
        }
        // The number of its key, which her client says.
        for epoch in [0, 2] {
            let inputs = [Input::Encrypted(file.clone(), epoch)];
            let answered = verbs::run_function(&place.run, &mut session, owner, &function, &inputs).unwrap();
            assert_eq!(answered.done().map(|_| ()), Err(Error::NotFound));
        }
        let answered = verbs::run_function(&place.run, &mut session, owner, &function, &[Input::Encrypted(file, 1)]);
        answered.unwrap().done().unwrap();
    });
}
