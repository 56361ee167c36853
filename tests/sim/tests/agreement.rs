//! What an owner signs, what she asks for, what she judged and what is there have to agree, in every field.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::{Ask, Session};
use capelet_sim::faults::{Call, Fault, Plan};
use capelet_sim::verbs::{self, Function, Offered, judged};
use common::{OTHER_ARN, Place, alone, vault_records};
use enclave_core::Error;
use enclave_core::cbor::Writer;
use enclave_core::claims::KmsState;
use enclave_core::config::Arn;
use enclave_core::message::Verb;
use enclave_core::parent::Kind;
use enclave_core::record::{FUNCTION, FunctionRecord};
use enclave_core::vault::VAULT_OWNER;

/// One thing changed, by name.
type Change<'a, T> = (&'a str, &'a dyn Fn(&mut T));

fn code(session: &mut Session, place: &mut Place, verb: Verb, ask: Ask) -> &'static str {
    let answered = session.ask(&mut place.owner, verb, ask).unwrap();
    answered.done().map_or_else(Error::code, |_| "done")
}

fn deploy(state: &KmsState, function: &Function, record: &[u8], place: &Place) -> Ask {
    let mut writer = Writer::new();
    writer.map(7).uint(1).bytes(&function.id).uint(2).uint(function.version).uint(3).bytes(&function.checksum);
    judged(&mut writer, 4, state);
    writer.uint(7).item(record);
    let half = place.owner.half(&place.run, 1, &function.id, function.version);
    Ask { body: Some(function.bundle()), ..Ask::of(writer.finish()).with(half) }
}

#[test]
fn a_function_and_its_record() {
    alone(|mut place| {
        let mut session = place.session();
        let state = session.claims.kms.clone().unwrap();
        let function = Function::new(place.owner.owner, [1; 16], 1, b"module".to_vec());
        let record = function.record(&state.arn, place.run.scheduler.now());
        let changes: [Change<FunctionRecord>; 5] = [
            ("id", &|record| record.id[0] ^= 1),
            ("version", &|record| record.version += 1),
            ("checksum", &|record| record.checksum[0] ^= 1),
            ("ARN", &|record| record.arn = Arn::parse(OTHER_ARN).unwrap()),
            ("owner", &|record| record.owner[0] ^= 1),
        ];
        for (name, change) in changes {
            let mut changed = record.clone();
            change(&mut changed);
            let signed = place.owner.identity.sign1(FUNCTION, &[], &changed.encode());
            let ask = deploy(&state, &function, &signed, &place);
            assert_eq!(code(&mut session, &mut place, Verb::Deploy, ask), "disagrees", "{name}");
        }
        let signed = place.owner.identity.sign1(FUNCTION, &[], &record.encode());
        // Another body; one that is no bundle; no body.
        let another = Function::new(place.owner.owner, [1; 16], 1, b"another".to_vec());
        for (body, expected) in
            [(Some(another.bundle()), "disagrees"), (Some(b"no bundle".to_vec()), "malformed"), (None, "malformed")]
        {
            let ask = Ask { body, ..deploy(&state, &function, &signed, &place) };
            assert_eq!(code(&mut session, &mut place, Verb::Deploy, ask), expected);
        }
        // Without her half nothing is sealed.
        let mut ask = deploy(&state, &function, &signed, &place);
        ask.halves.clear();
        assert_eq!(code(&mut session, &mut place, Verb::Deploy, ask), "cannot-open");
        assert!(place.store.lock().unwrap().objects.is_empty());
        let ask = deploy(&state, &function, &signed, &place);
        assert_eq!(code(&mut session, &mut place, Verb::Deploy, ask), "done");
    });
}

/// Confirms what is offered with each field of her word changed, and in the end with her word.
fn confirm_in_vain(place: &mut Place, session: &mut Session, offer: &dyn Fn(&mut Place, &mut Session) -> Offered) {
    let stored = |place: &Place| place.store.lock().unwrap().objects.clone();
    let before = stored(place);
    for number in 0..7 {
        let offered = offer(place, session);
        let word = verbs::vault_record(&place.owner, &offered).unwrap();
        let (name, payload) = vault_records(&word).swap_remove(number);
        let signed = place.owner.identity.sign1(VAULT_OWNER, &[], &payload);
        let mut writer = Writer::new();
        writer.map(1).uint(1).item(&signed);
        let half = place.owner.half(&place.run, 2, &enclave_core::vault::id(&word.kid), 1);
        let ask = Ask::of(writer.finish()).with(half);
        let expected = if name == "label" { "malformed" } else { "disagrees" };
        assert_eq!(code(session, place, Verb::VaultConfirm, ask), expected, "{name}");
        assert!(stored(place) == before, "{name}");
    }
    let offered = offer(place, session);
    verbs::vault_confirm(&place.run, session, &mut place.owner, &offered).unwrap();
    assert!(stored(place) != before);
}

#[test]
fn a_vault_key_and_its_record() {
    alone(|mut place| {
        let mut session = place.session();
        confirm_in_vain(&mut place, &mut session, &|place, session| {
            verbs::vault_create(&place.run, session, &mut place.owner, 1).unwrap()
        });
        let owner = place.owner.owner;
        let statement = verbs::statement(&mut session, &mut place.owner, &owner, None).unwrap();
        let kid = verbs::judge_statement(&place.run, &statement, &owner, None).unwrap().kid;
        confirm_in_vain(&mut place, &mut session, &|place, session| {
            verbs::vault_attest(&place.run, session, &mut place.owner, &kid, 1).unwrap()
        });
        // A kid whose first half is that of the one that is stored.
        let mut other = kid;
        other[31] ^= 1;
        let attested = verbs::vault_attest(&place.run, &mut session, &mut place.owner, &other, 1);
        assert!(matches!(attested, Err(Error::Disagrees(_))));
    });
}

/// Entries that do not ascend are a lie that is noticed inside; what is left out or made up, only she can know.
#[test]
fn a_list() {
    alone(|mut place| {
        let mut session = place.session();
        for version in 1..3 {
            let function = Function::new(place.owner.owner, [1; 16], version, b"module".to_vec());
            verbs::deploy(&place.run, &mut session, &mut place.owner, &function).unwrap();
        }
        let all = vec![([1; 16], 1), ([1; 16], 2)];
        let mut listed = |fault| {
            place.run.faults.plan(Plan { target: Some((Call::List, fault, 0)), ..Plan::default() });
            verbs::list(&mut session, &mut place.owner, Kind::Function)
        };
        assert_eq!(listed(Fault::Unsorted), Err(Error::ParentFailed));
        assert_eq!(listed(Fault::WrongKind), Err(Error::ParentFailed));
        assert_eq!(listed(Fault::Short).unwrap().len(), 1);
        assert_eq!(listed(Fault::Invented).unwrap().len(), 3);
        // None of the faults of a list.
        assert_eq!(listed(Fault::Cut), Ok(all));
    });
}

/// What the client judged of the KMS key has to be what the enclave reads; null is a value like any other.
#[test]
fn the_key_as_it_was_judged() {
    alone(|mut place| {
        let mut session = place.session();
        let state = session.claims.kms.clone().unwrap();
        assert!(state.policy.is_some() && state.describe.is_some());
        let function = Function::new(place.owner.owner, [1; 16], 1, b"module".to_vec());
        let changes: [Change<KmsState>; 4] = [
            ("another policy", &|state| state.policy = Some([1; 48])),
            ("no policy", &|state| state.policy = None),
            ("other facts", &|state| state.describe = Some([1; 48])),
            ("no facts", &|state| state.describe = None),
        ];
        for (name, change) in changes {
            let mut changed = state.clone();
            change(&mut changed);
            let ask = verbs::deploy_ask(&place.run, &place.owner, &changed, &function);
            assert_eq!(code(&mut session, &mut place, Verb::Deploy, ask), "policy-changed", "{name}");
            let mut writer = Writer::new();
            writer.map(6).uint(1).uint(1).uint(2).bytes(&[1; 32]).uint(3).nullable(None::<u64>, |_, _| {});
            judged(&mut writer, 4, &changed);
            let ask = Ask::of(writer.finish());
            assert_eq!(code(&mut session, &mut place, Verb::VaultCreate, ask), "policy-changed", "{name}");
        }
        assert!(place.store.lock().unwrap().objects.is_empty());
        verbs::deploy(&place.run, &mut session, &mut place.owner, &function).unwrap();
    });
}
