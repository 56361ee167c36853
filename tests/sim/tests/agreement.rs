//! What an owner signs, what they request, what they accepted of the KMS key, and what the enclave finds must agree in
//! every field.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::faults::{Call, Fault, Plan};
use capelet_sim::request::RequestSpec;
use capelet_sim::vault::{self, VerifiedOffer};
use capelet_sim::verbs::{self, Function};
use common::{Fixture, OTHER_ARN, alter, alter_at, changed_vault_records, code, scenario};
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord, VAULT_RECORD};
use enclave_core::kms::{AcceptedKey, Arn};
use enclave_core::messages::{DeployParams, Params as _, VaultCreateParams};
use enclave_core::parent::StoreKind;
use enclave_core::{Error, Nonce, ObjectId};

/// A field's name, and how to change it.
type Change<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// deploy's request with another record.
fn deploy_with_record(fixture: &Fixture, key: &AcceptedKey, function: &Function, record: &[u8]) -> RequestSpec {
    let params = verbs::deploy_params(&fixture.run, &fixture.owner, key, function);
    let params = DeployParams { record: record.to_vec(), ..params };
    RequestSpec { params: params.encode(), ..verbs::deploy_spec(&fixture.run, &fixture.owner, key, function) }
}

#[test]
fn rejects_a_deploy_whose_record_or_bundle_differs() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let key = verbs::accepted_key(&session).unwrap();
        let function = fixture.function(1, b"module");
        let record = function.record(&fixture.run, &key.arn, fixture.run.scheduler.now());
        let changes: [Change<FunctionRecord>; 6] = [
            ("id", &|record| alter(&mut record.id)),
            ("version", &|record| record.version += 1),
            ("checksum", &|record| alter(&mut record.checksum)),
            ("ARN", &|record| record.arn = Arn::parse(OTHER_ARN).unwrap()),
            ("owner", &|record| alter(&mut record.owner)),
            ("image", &|record| alter(&mut record.image)),
        ];
        for (name, change) in changes {
            let mut changed = record.clone();
            change(&mut changed);
            let signed = fixture.owner.identity.sign1(FUNCTION_RECORD, &[], &changed.encode());
            let spec = deploy_with_record(&fixture, &key, &function, &signed);
            let expected = if name == "image" { "wrong-image" } else { "disagrees" };
            assert_eq!(code(fixture.send(&mut session, spec)), expected, "{name}");
        }
        let signed = fixture.owner.identity.sign1(FUNCTION_RECORD, &[], &record.encode());
        let other = fixture.function(1, b"another").bundle();
        for (name, body, expected) in [
            ("another bundle", Some(other), "disagrees"),
            ("an invalid bundle", Some(b"invalid".to_vec()), "malformed"),
            ("no body", None, "malformed"),
        ] {
            let spec = RequestSpec { body, ..deploy_with_record(&fixture, &key, &function, &signed) };
            assert_eq!(code(fixture.send(&mut session, spec)), expected, "{name}");
        }
        let mut without_share = deploy_with_record(&fixture, &key, &function, &signed);
        without_share.key_shares.clear();
        assert_eq!(code(fixture.send(&mut session, without_share)), "cannot-open");
        assert!(fixture.store_is_empty());
        let spec = deploy_with_record(&fixture, &key, &function, &signed);
        assert_eq!(code(fixture.send(&mut session, spec)), "done");
    });
}

/// Confirms an offer with each field of the record changed, and at last with the true record.
fn rejects_changed_records(
    fixture: &mut Fixture,
    session: &mut Session,
    offer: &dyn Fn(&mut Fixture, &mut Session) -> VerifiedOffer,
) {
    let stored = |fixture: &Fixture| fixture.store.lock().unwrap().objects.clone();
    let before = stored(fixture);
    for number in 0..8 {
        let verified = offer(fixture, session);
        let record = vault::record(&fixture.run, &fixture.owner, &verified).unwrap();
        let (name, payload) = changed_vault_records(&record).swap_remove(number);
        let signed = fixture.owner.identity.sign1(VAULT_RECORD, &[], &payload);
        let spec = vault::confirm_spec(&fixture.run, &fixture.owner, record.kid, 1, signed);
        let expected = match name {
            "label" => "malformed",
            "image" => "wrong-image",
            _ => "disagrees",
        };
        assert_eq!(code(fixture.send(session, spec)), expected, "{name}");
        assert!(stored(fixture) == before, "{name}");
    }
    let verified = offer(fixture, session);
    vault::confirm(&fixture.run, session, &mut fixture.owner, &verified).unwrap();
    assert!(stored(fixture) != before);
}

#[test]
fn rejects_a_vault_confirm_whose_record_differs() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        rejects_changed_records(&mut fixture, &mut session, &|fixture, session| {
            vault::create(&fixture.run, session, &mut fixture.owner, 1).unwrap()
        });
        let owner = fixture.owner.owner;
        let statement = vault::statement(&mut session, &mut fixture.owner, owner, None).unwrap();
        let kid = vault::verify_statement(&fixture.run, &statement, owner, None).unwrap().kid;
        rejects_changed_records(&mut fixture, &mut session, &|fixture, session| {
            vault::attest(&fixture.run, session, &mut fixture.owner, kid, 1).unwrap()
        });
        // A name that differs only in its second half, so that the same object is found.
        let mut other = kid;
        alter_at(&mut other, 31);
        let attested = vault::attest(&fixture.run, &mut session, &mut fixture.owner, other, 1);
        assert!(matches!(attested, Err(Error::Mismatch(_))));
    });
}

/// The enclave detects entries that do not ascend. Only the owner can detect a missing or an invented entry.
#[test]
fn rejects_a_list_that_does_not_ascend() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let functions = [1, 2]
            .map(|version| Function::new(fixture.owner.owner, ObjectId::new([1; 16]), version, b"module".to_vec()));
        for function in &functions {
            fixture.deploy(&mut session, function);
        }
        let mut list = |fault: Option<Fault>| {
            let target = fault.map(|fault| (Call::List, fault, 0));
            fixture.run.faults.follow(Plan { target, ..Plan::default() });
            verbs::list(&mut session, &mut fixture.owner, StoreKind::Function)
        };
        assert_eq!(list(Some(Fault::Unsorted)), Err(Error::ParentFailed));
        assert_eq!(list(Some(Fault::WrongAnswer)), Err(Error::ParentFailed));
        assert_eq!(list(Some(Fault::EntryMissing)).unwrap().len(), 1);
        assert_eq!(list(Some(Fault::EntryInvented)).unwrap().len(), 3);
        assert_eq!(list(None), Ok(functions.iter().map(Function::entry).collect()));
    });
}

/// What could not be read (`None`) equals only what could not be read.
#[test]
fn rejects_a_key_state_that_the_client_did_not_accept() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let key = verbs::accepted_key(&session).unwrap();
        assert!(key.policy.is_some() && key.metadata.is_some());
        let function = fixture.function(1, b"module");
        let changes: [Change<AcceptedKey>; 4] = [
            ("another policy", &|key| key.policy = Some([1; 48])),
            ("no policy", &|key| key.policy = None),
            ("other metadata", &|key| key.metadata = Some([1; 48])),
            ("no metadata", &|key| key.metadata = None),
        ];
        for (name, change) in changes {
            let mut changed = key.clone();
            change(&mut changed);
            let spec = verbs::deploy_spec(&fixture.run, &fixture.owner, &changed, &function);
            assert_eq!(code(fixture.send(&mut session, spec)), "policy-changed", "{name}");
            let nonce = Nonce::new([1; 32]);
            let params = VaultCreateParams { epoch: 1, nonce, previous: None, key: changed };
            let spec = RequestSpec::new(&params);
            assert_eq!(code(fixture.send(&mut session, spec)), "policy-changed", "{name}");
        }
        assert!(fixture.store_is_empty());
        fixture.deploy(&mut session, &function);
    });
}
