//! The whole matrix of who may do what, against the predicate as `docs/protocol.md` has it, written out once more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::client::{Ask, Person, Session};
use capelet_sim::faults::{Call, Plan};
use capelet_sim::platform::function;
use capelet_sim::run::{Enclave, Run};
use capelet_sim::store::Store;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::world::World;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::config::Deployers;
use enclave_core::message::Verb;
use enclave_core::parent::Kind;
use enclave_core::vault::VaultClaims;
use enclave_core::{Error, Part};
use std::sync::{Arc, Mutex};

/// Which functions a header lets read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Contains,
    Lacks,
    Any,
}

/// "A run is admitted iff code: C = F; data: for each ciphertext input C = V; binding: the checksum is in the header's
/// list; a header with 0 needs F = V."
fn admitted(caller: usize, owner: usize, encrypted: &[(usize, List)]) -> bool {
    let code = caller == owner;
    let data = encrypted.iter().all(|(vault, _)| caller == *vault);
    let binding = encrypted.iter().all(|(vault, list)| match list {
        List::Contains => true,
        List::Lacks => false,
        List::Any => owner == *vault,
    });
    code && data && binding
}

struct Place {
    run: Arc<Run>,
    enclave: Arc<Enclave>,
    people: Vec<Person>,
    functions: Vec<Function>,
    vaults: Vec<VaultClaims>,
}

/// Three people, of whom the first two have a function and a vault key.
fn place(run: &Arc<Run>) -> Place {
    let enclave = Enclave::boot(run, &Arc::new(Mutex::new(Store::default()))).unwrap();
    let mut people: Vec<_> = (0..3).map(|number| Person::new(run, "somebody", number)).collect();
    let (mut functions, mut vaults) = (Vec::new(), Vec::new());
    for person in people.iter_mut().take(2) {
        let mut session = open(&enclave, person);
        let made = Function::new(person.owner, person.prng.bytes(), 1, person.prng.bytes::<20>().to_vec());
        verbs::deploy(run, &mut session, person, &made).unwrap();
        functions.push(made);
        let offered = verbs::vault_create(run, &mut session, person, 1).unwrap();
        verbs::vault_confirm(run, &mut session, person, &offered).unwrap();
        vaults.push(offered.claims);
    }
    Place { run: run.clone(), enclave, people, functions, vaults }
}

fn open(enclave: &Arc<Enclave>, person: &mut Person) -> Session {
    Session::open(enclave, &mut person.prng).unwrap()
}

fn alone(work: impl FnOnce(&Arc<Run>) + Send + 'static) {
    Run::new(&World::new(), 1, Plan::default()).alone(work);
}

/// Every combination of one or two encrypted inputs, with and without a plain one.
fn inputs() -> Vec<(bool, Vec<(usize, List)>)> {
    let lists = [List::Contains, List::Lacks, List::Any];
    let one: Vec<_> = (0..2).flat_map(|vault| lists.map(|list| (vault, list))).collect();
    let mut all = vec![(true, Vec::new())];
    for first in &one {
        all.push((false, vec![*first]));
        all.push((true, vec![*first]));
        all.extend(one.iter().map(|second| (false, vec![*first, *second])));
    }
    all
}

#[test]
fn running() {
    alone(|run| {
        let mut place = place(run);
        let mut counts = [0, 0];
        for caller in 0..3 {
            let mut session = open(&place.enclave, &mut place.people[caller]);
            for owner in 0..2 {
                for (plain, encrypted) in inputs() {
                    let expected = admitted(caller, owner, &encrypted);
                    counts[usize::from(expected)] += 1;
                    let name = format!("{caller} runs {owner}'s, plain {plain}, {encrypted:?}");
                    try_run(&mut place, &mut session, (caller, owner), plain, &encrypted, expected, &name);
                }
            }
        }
        // Three callers, two functions, 1 + 6 × (2 + 6) inputs; admitted: each owner on plain input, or on her own
        // vault's with a list that contains the function or asks for none, alone, with a plain one, or by twos.
        assert_eq!(counts, [3 * 2 * 49 - 2 * (1 + 4 + 4), 2 * (1 + 4 + 4)]);
    });
}

fn try_run(
    place: &mut Place,
    session: &mut Session,
    (caller, owner): (usize, usize),
    plain: bool,
    encrypted: &[(usize, List)],
    expected: bool,
    name: &str,
) {
    let (mut inputs, mut data) = (Vec::new(), Vec::new());
    for (number, (vault, list)) in encrypted.iter().enumerate() {
        let checksums = match list {
            List::Contains => Some(vec![place.functions[owner].checksum]),
            List::Lacks => Some(vec![place.functions[1 - owner].checksum]),
            List::Any => None,
        };
        let secret = vec![number as u8; 5];
        let prng = &mut place.people[2].prng;
        inputs.push(Input::Encrypted(verbs::encrypt(prng, &place.vaults[*vault], checksums, &secret).unwrap(), 1));
        data.push(secret);
    }
    if plain {
        inputs.push(Input::Plain(b"plain".to_vec()));
        data.push(b"plain".to_vec());
    }
    let decrypted = || place.run.faults.calls().get(&Call::Decrypt).copied().unwrap_or(0);
    let before = decrypted();
    let person = &mut place.people[caller];
    let answered = verbs::run_function(&place.run, session, person, &place.functions[owner], &inputs).unwrap();
    if !expected {
        assert!(answered.response.receipt.is_none() && answered.body.is_empty(), "{name}");
        assert_eq!(*answered.response.result, enclave_core::message::empty(), "{name}");
        assert_eq!(answered.done().map(|_| ()), Err(Error::Refused), "{name}");
        assert_eq!(decrypted(), before, "{name}: KMS was asked for a key");
        return;
    }
    let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    assert!(answered.body == function(&place.functions[owner].module, &data), "{name}");
    session.check_receipt(&answered, &data, Some(&answered.body)).unwrap();
    // What it writes to stderr, she sees only if all of the input is plain.
    let mut reader = Reader::new(&answered.response.result, Part::Response).unwrap();
    assert_eq!(reader.any_map().unwrap(), u64::from(encrypted.is_empty()), "{name}");
}

#[test]
fn deploying_and_making_keys() {
    alone(|run| {
        let store = Arc::new(Mutex::new(Store::default()));
        let mut people: Vec<_> = (0..2).map(|number| Person::new(run, "somebody", number)).collect();
        let listed = Deployers::encode(vec![people[0].owner]);
        let nobody = Deployers::encode(Vec::new());
        for (list, may) in [(None, [true, true]), (Some(listed), [true, false]), (Some(nobody), [false, false])] {
            let enclave = match list {
                None => Enclave::boot(run, &store).unwrap(),
                Some(list) => Enclave::boot_for(run, &store, list).unwrap(),
            };
            for (person, may) in people.iter_mut().zip(may) {
                let expected = if may { Ok(()) } else { Err(Error::Refused) };
                let mut session = open(&enclave, person);
                let function = Function::new(person.owner, person.prng.bytes(), 1, b"module".to_vec());
                assert_eq!(verbs::deploy(run, &mut session, person, &function), expected);
                let created = verbs::vault_create(run, &mut session, person, 1);
                assert_eq!(created.map(|_| ()), expected);
                // What she has she may always list, delete and renew.
                assert_eq!(verbs::list(&mut session, person, Kind::VaultKey), Ok(Vec::new()));
            }
        }
    });
}

#[test]
fn what_is_anothers_is_not_there() {
    alone(|run| {
        let mut place = place(run);
        let (hers, vault) = (place.functions[0].clone(), place.vaults[0].clone());
        let mut session = open(&place.enclave, &mut place.people[1]);
        let stranger = &mut place.people[1];
        // He cannot name what is hers: these verbs speak of his own things alone.
        let listed = verbs::list(&mut session, stranger, Kind::Function).unwrap();
        assert_eq!(listed, [(place.functions[1].id, 1)]);
        verbs::delete(&mut session, stranger, Kind::Function, hers.id, 1).unwrap();
        assert_eq!(verbs::vault_attest(run, &mut session, stranger, &vault.kid, 1).unwrap_err(), Error::NotFound);
        // Her record in his request; his own record of her function's checksum is his own function.
        let state = session.claims.kms.clone().unwrap();
        let ask = verbs::deploy_ask(run, &place.people[0], &state, &Function { version: 9, ..hers.clone() });
        let deployed = session.ask(&mut place.people[1], Verb::Deploy, ask).unwrap().done();
        assert!(matches!(deployed, Err(Error::Malformed(_))));

        let mut session = open(&place.enclave, &mut place.people[0]);
        let ran = verbs::run_function(run, &mut session, &mut place.people[0], &hers, &[Input::Plain(vec![1])]);
        ran.unwrap().done().unwrap();
        verbs::vault_attest(run, &mut session, &mut place.people[0], &vault.kid, 1).unwrap();
    });
}

#[test]
fn a_key_waits_for_its_owner_alone() {
    alone(|run| {
        let mut place = place(run);
        let (one, two) = place.people.split_at_mut(1);
        let (owner, stranger) = (&mut one[0], &mut two[0]);
        let mut session = open(&place.enclave, owner);
        let offered = verbs::vault_create(run, &mut session, owner, 2).unwrap();
        // A second caller in her session; and he in one of his own, where nothing waits.
        let theirs = verbs::Offered {
            claims: VaultClaims { owner: stranger.owner, ..offered.claims.clone() },
            ..offered.clone()
        };
        assert_eq!(verbs::vault_confirm(run, &mut session, stranger, &theirs), Err(Error::Refused));
        let mut his = open(&place.enclave, stranger);
        assert_eq!(verbs::vault_confirm(run, &mut his, stranger, &theirs), Err(Error::Refused));
        verbs::vault_confirm(run, &mut session, owner, &offered).unwrap();
        // Once.
        assert_eq!(verbs::vault_confirm(run, &mut session, owner, &offered), Err(Error::Refused));
    });
}

#[test]
fn statement_and_policy_are_open() {
    alone(|run| {
        let mut place = place(run);
        let (owner, kid) = (place.people[0].owner, place.vaults[0].kid);
        let mut session = open(&place.enclave, &mut place.people[2]);
        let anybody = &mut place.people[2];
        for kid in [None, Some(kid)] {
            let statement = verbs::statement(&mut session, anybody, &owner, kid).unwrap();
            assert_eq!(verbs::judge_statement(run, &statement, &owner, None).unwrap().kid, place.vaults[0].kid);
        }
        let unknown = anybody.owner;
        assert_eq!(verbs::statement(&mut session, anybody, &unknown, None), Err(Error::NotFound));
        verbs::policy(&mut session, anybody).unwrap();
    });
}

/// Before it is known that somebody may, all that is wrong with what he asks is `refused`.
#[test]
fn whatever_is_not_of_its_form_is_refused() {
    alone(|run| {
        let mut place = place(run);
        let mut session = open(&place.enclave, &mut place.people[0]);
        let person = &mut place.people[0];
        let mut extra = Writer::new();
        extra.map(1).uint(9).uint(9);
        for params in [enclave_core::message::empty(), extra.finish()] {
            for verb in [
                Verb::Deploy,
                Verb::Run,
                Verb::List,
                Verb::Delete,
                Verb::Statement,
                Verb::VaultCreate,
                Verb::VaultConfirm,
                Verb::VaultAttest,
                Verb::Policy,
            ] {
                if (verb, &params) == (Verb::Policy, &enclave_core::message::empty()) {
                    continue;
                }
                let answered = session.ask(person, verb, Ask::of(params.clone())).unwrap();
                assert_eq!(answered.done().map(|_| ()), Err(Error::Refused), "{verb:?}");
            }
        }
        // A body where none belongs.
        for verb in [Verb::List, Verb::Delete, Verb::Statement, Verb::VaultCreate, Verb::VaultConfirm, Verb::Policy] {
            let ask = Ask { body: Some(Vec::new()), ..Ask::of(enclave_core::message::empty()) };
            let answered = session.ask(person, verb, ask).unwrap();
            assert_eq!(answered.done().map(|_| ()), Err(Error::Refused), "{verb:?}");
        }
    });
}
