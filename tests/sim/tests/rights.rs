//! All combinations of callers, functions and inputs, against the predicate of `docs/protocol.md`, written out again.
//!
//! `authorization.rs` has one test for each check of the predicate.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::Call;
use capelet_sim::person::Person;
use capelet_sim::request::RequestSpec;
use capelet_sim::vault;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::worker::{DIAGNOSTIC, output_of};
use common::{Fixture, OTHER_ARN, scenario};
use enclave_core::attestation::VaultClaims;
use enclave_core::identity::{VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::messages::{PolicyParams, RunResult, empty_map};
use enclave_core::objects::encode_statement;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Deployers, Error, ObjectId};

/// Which functions the header of a file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checksums {
    /// The function that runs.
    Contain,
    /// Only another function.
    Lack,
    /// None: any function of the vault's owner.
    Any,
}

/// "A run is admitted iff code: C = F; data: for each ciphertext input C = V; binding: the checksum is in the header's
/// list; a header with 0 needs F = V."
fn admitted(caller: usize, owner: usize, encrypted: &[(usize, Checksums)]) -> bool {
    let code = caller == owner;
    let data = encrypted.iter().all(|(vault, _)| caller == *vault);
    let binding = encrypted.iter().all(|(vault, checksums)| match checksums {
        Checksums::Contain => true,
        Checksums::Lack => false,
        Checksums::Any => owner == *vault,
    });
    code && data && binding
}

/// Three people. The first two have a function and a vault key.
struct People {
    fixture: Fixture,
    people: Vec<Person>,
    functions: Vec<Function>,
    vaults: Vec<VaultClaims>,
}

impl People {
    fn new(fixture: Fixture) -> Self {
        let run = &fixture.run;
        let mut people: Vec<_> = (0..3).map(|number| Person::new(run, "somebody", number)).collect();
        let (mut functions, mut vaults) = (Vec::new(), Vec::new());
        for person in people.iter_mut().take(2) {
            let mut session = open(&fixture, person);
            let module = person.prng.bytes::<20>().to_vec();
            let function = Function::new(person.owner, ObjectId::new(person.prng.bytes()), 1, module);
            verbs::deploy(run, &mut session, person, &function).unwrap();
            functions.push(function);
            vaults.push(vault::make(run, &mut session, person, 1).unwrap());
        }
        Self { fixture, people, functions, vaults }
    }

    fn session(&mut self, number: usize) -> Session {
        open(&self.fixture, &mut self.people[number])
    }
}

fn open(fixture: &Fixture, person: &mut Person) -> Session {
    Session::open(&fixture.enclave, &mut person.prng).unwrap()
}

/// One combination: a caller, a function's owner, whether there is a plaintext input, and the encrypted inputs.
#[derive(Debug)]
struct Case {
    caller: usize,
    owner: usize,
    plain: bool,
    encrypted: Vec<(usize, Checksums)>,
}

/// No, one or two encrypted inputs; one is also combined with a plaintext input.
fn inputs() -> Vec<(bool, Vec<(usize, Checksums)>)> {
    let checksums = [Checksums::Contain, Checksums::Lack, Checksums::Any];
    let one: Vec<_> = (0..2).flat_map(|vault| checksums.map(|checksums| (vault, checksums))).collect();
    let mut all = vec![(true, Vec::new())];
    for first in &one {
        all.push((false, vec![*first]));
        all.push((true, vec![*first]));
        all.extend(one.iter().map(|second| (false, vec![*first, *second])));
    }
    all
}

#[test]
fn admits_exactly_the_runs_that_the_predicate_admits() {
    scenario(|fixture| {
        let mut people = People::new(fixture);
        let mut counts = [0, 0];
        for caller in 0..3 {
            let mut session = people.session(caller);
            for owner in 0..2 {
                for (plain, encrypted) in inputs() {
                    let expected = admitted(caller, owner, &encrypted);
                    counts[usize::from(expected)] += 1;
                    try_run(&mut people, &mut session, &Case { caller, owner, plain, encrypted }, expected);
                }
            }
        }
        // Three callers, two functions, 1 + 6 × (2 + 6) inputs. Each owner is admitted with plaintext; with one file to
        // their own vault that names the function or none, alone or with plaintext; and with two such files.
        assert_eq!(counts, [3 * 2 * 49 - 2 * (1 + 4 + 4), 2 * (1 + 4 + 4)]);
    });
}

fn try_run(people: &mut People, session: &mut Session, case: &Case, expected: bool) {
    let function = people.functions[case.owner].clone();
    let (mut inputs, mut data) = (Vec::new(), Vec::new());
    for (number, (vault, checksums)) in case.encrypted.iter().enumerate() {
        let checksums = match checksums {
            Checksums::Contain => Some(vec![function.checksum]),
            Checksums::Lack => Some(vec![people.functions[1 - case.owner].checksum]),
            Checksums::Any => None,
        };
        let secret = vec![number as u8; 5];
        let prng = &mut people.people[2].prng;
        inputs.push(Input::Encrypted(vault::encrypt(prng, &people.vaults[*vault], checksums, &secret).unwrap(), 1));
        data.push(secret);
    }
    if case.plain {
        inputs.push(Input::Plain(b"plain".to_vec()));
        data.push(b"plain".to_vec());
    }
    let run = people.fixture.run.clone();
    let counts =
        |fixture: &Fixture, session: &Session| (fixture.calls(Call::Decrypt), run.workers_started(session.number));
    let before = counts(&people.fixture, session);
    let caller = &mut people.people[case.caller];
    let received = verbs::run_function(&run, session, caller, &function, &inputs).unwrap();
    if !expected {
        assert!(received.response.receipt.is_none() && received.body.is_empty(), "{case:?}");
        assert_eq!(*received.response.result, empty_map(), "{case:?}");
        assert_eq!(received.ok().map(|_| ()), Err(Error::Refused), "{case:?}");
        assert_eq!(counts(&people.fixture, session), before, "{case:?}: KMS or a worker was asked");
        return;
    }
    let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
    assert!(received.body == output_of(&function.module, &data), "{case:?}");
    let files: Vec<_> = inputs.iter().map(Input::file).collect();
    session.check_receipt(&received, &data, &files, Some(&received.body)).unwrap();
    // The caller sees stderr only if every input is plaintext.
    let stderr = RunResult::parse(&received.response.result).unwrap().stderr.map(|stderr| stderr.to_vec());
    assert_eq!(stderr, case.encrypted.is_empty().then(|| DIAGNOSTIC.to_vec()), "{case:?}");
}

#[test]
fn admits_exactly_the_deployers_that_the_configuration_lists() {
    scenario(|fixture| {
        let run = fixture.run.clone();
        let mut people: Vec<_> = (0..2).map(|number| Person::new(&run, "somebody", number)).collect();
        let listed = Deployers::encode(&[7; 32], vec![people[0].owner]);
        let nobody = Deployers::encode(&[7; 32], vec![Person::new(&run, "nobody here", 9).owner]);
        for (list, may) in [(None, [true, true]), (Some(listed), [true, false]), (Some(nobody), [false, false])] {
            let enclave = match list {
                None => Enclave::boot(&run, &fixture.store).unwrap(),
                Some(list) => Enclave::boot_for(&run, &fixture.store, list).unwrap(),
            };
            for (person, may) in people.iter_mut().zip(may) {
                let expected = if may { Ok(()) } else { Err(Error::Refused) };
                let mut session = Session::open(&enclave, &mut person.prng).unwrap();
                let id = ObjectId::new(person.prng.bytes());
                let function = Function::new(person.owner, id, 1, b"module".to_vec());
                assert_eq!(verbs::deploy(&run, &mut session, person, &function), expected);
                let created = vault::create(&run, &mut session, person, 1);
                assert_eq!(created.map(|_| ()), expected);
                // The list does not restrict what an owner does with their objects.
                assert_eq!(verbs::list(&mut session, person, StoreKind::VaultKey), Ok(Vec::new()));
            }
        }
    });
}

#[test]
fn statement_and_policy_are_open_to_everyone() {
    scenario(|fixture| {
        let mut people = People::new(fixture);
        let (owner, kid) = (people.people[0].owner, people.vaults[0].kid);
        let mut session = people.session(2);
        let run = people.fixture.run.clone();
        let anyone = &mut people.people[2];
        for wanted in [None, Some(kid)] {
            let statement = vault::statement(&mut session, anyone, owner, wanted).unwrap();
            assert_eq!(vault::verify_statement(&run, &statement, owner, None).unwrap().kid, kid);
        }
        let without_key = anyone.owner;
        assert_eq!(vault::statement(&mut session, anyone, without_key, None), Err(Error::NotFound));
        verbs::policy(&mut session, anyone).unwrap();
    });
}

#[test]
fn policy_of_any_key_is_for_those_who_may_deploy() {
    scenario(|mut fixture| {
        let list = Deployers::encode(&[7; 32], vec![fixture.owner.owner]);
        fixture.enclave = Enclave::boot_for(&fixture.run, &fixture.store, list).unwrap();
        let mut session = fixture.session();
        let claims = fixture.make_key(&mut session, 3);
        let (configured, unknown) = (fixture.run.world.arn.clone(), Arn::parse(OTHER_ARN).unwrap());
        let ask = |session: &mut Session, person: &mut Person, params: PolicyParams| {
            session.send_expect_ok(person, RequestSpec::new(&params)).map(|received| received.body)
        };
        let texts = ask(&mut session, &mut fixture.owner, PolicyParams::Configured).unwrap();
        assert!(ask(&mut session, &mut fixture.owner, PolicyParams::Key(unknown.clone())).is_ok());

        let mut session = fixture.others_session();
        let stranger = &mut fixture.other;
        for params in [
            PolicyParams::Configured,
            PolicyParams::Key(configured.clone()),
            PolicyParams::Statement(claims.owner, claims.epoch),
        ] {
            assert_eq!(ask(&mut session, stranger, params.clone()).as_ref(), Ok(&texts), "{params:?}");
        }
        assert_eq!(ask(&mut session, stranger, PolicyParams::Key(unknown)), Err(Error::Refused));
        assert_eq!(ask(&mut session, stranger, PolicyParams::Statement(claims.owner, 4)), Err(Error::NotFound));

        // The parent puts a statement there whose record the owner did not sign.
        let record = vault_record(&claims, &configured);
        let record = stranger.identity.sign1(VAULT_RECORD, &[], &record.encode());
        let forged = encode_statement(b"document", &claims.encode(), &record);
        fixture.store.lock().unwrap().objects.insert(StoreKey::statement(claims.owner, claims.epoch), forged);
        let answer = ask(&mut session, stranger, PolicyParams::Statement(claims.owner, claims.epoch));
        assert_eq!(answer.map_err(Error::code), Err("malformed"));
    });
}

fn vault_record(claims: &VaultClaims, arn: &Arn) -> VaultRecord {
    let (document, digest) = ([0; 48], [0; 48]);
    let (owner, epoch, kid, image) = (claims.owner, claims.epoch, claims.kid, claims.images[0]);
    VaultRecord { owner, epoch, kid, document, claims: digest, arn: arn.clone(), image }
}
