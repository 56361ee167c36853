//! Two enclaves of one image, over one store and over two that a parent made of it: what a client notices, and what it
//! cannot. Which boot answers is not authenticated, and no store is bound to one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::client::{Ask, Person, Session};
use capelet_sim::faults::Plan;
use capelet_sim::platform::function;
use capelet_sim::run::{Enclave, Run};
use capelet_sim::store::Store;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::world::World;
use enclave_core::Error;
use enclave_core::message::{Verb, empty};
use enclave_core::parent::Kind;
use std::sync::{Arc, Mutex};

type Shared = Arc<Mutex<Store>>;

fn alone(work: impl FnOnce(&Arc<Run>, &mut Person) + Send + 'static) {
    Run::new(&World::new(), 1, Plan::default()).alone(|run| work(run, &mut Person::new(run, "owner", 1)));
}

fn open(run: &Arc<Run>, store: &Shared, person: &mut Person) -> Session {
    Session::open(&Enclave::boot(run, store).unwrap(), &mut person.prng).unwrap()
}

fn fork(store: &Shared) -> Shared {
    Arc::new(Mutex::new(store.lock().unwrap().clone()))
}

fn make_key(run: &Run, session: &mut Session, person: &mut Person, epoch: u64) -> [u8; 32] {
    let offered = verbs::vault_create(run, session, person, epoch).unwrap();
    verbs::vault_confirm(run, session, person, &offered).unwrap();
    offered.claims.kid
}

fn runs(run: &Run, session: &mut Session, person: &mut Person, what: &Function) -> Result<Vec<u8>, Error> {
    verbs::run_function(run, session, person, what, &[Input::Plain(b"input".to_vec())])?.done().map(|done| done.body)
}

#[test]
fn one_store_serves_every_boot() {
    alone(|run, owner| {
        let store = Shared::default();
        let (mut one, mut two) = (open(run, &store, owner), open(run, &store, owner));
        let deployed = Function::new(owner.owner, [1; 16], 1, b"module".to_vec());
        verbs::deploy(run, &mut one, owner, &deployed).unwrap();
        assert_eq!(runs(run, &mut two, owner, &deployed), Ok(function(b"module", &[b"input"])));
        let kid = make_key(run, &mut two, owner, 1);
        let offered = verbs::vault_attest(run, &mut one, owner, &kid, 1).unwrap();
        // A second thing under the same id and version, by whichever boot, is refused; so is a key's.
        let other = Function::new(owner.owner, [1; 16], 1, b"other".to_vec());
        assert_eq!(verbs::deploy(run, &mut two, owner, &other), Err(Error::Exists));
        // A key that one boot attested, the other does not confirm: it knows of nothing that waits.
        assert_eq!(verbs::vault_confirm(run, &mut two, owner, &offered), Err(Error::Refused));
        assert_eq!(verbs::vault_confirm(run, &mut one, owner, &offered), Ok(()));
        // Receipts name the boot that signed them, by its key.
        assert_ne!(one.claims.receipt_key, two.claims.receipt_key);
    });
}

/// Not noticed by the enclave: each boot remembers ids for itself. A request cannot be carried from one session to
/// another, for it is signed over the session's claims; only its own client could send it twice.
#[test]
fn ids_are_remembered_by_each_boot() {
    alone(|run, owner| {
        let store = Shared::default();
        let (mut one, mut two) = (open(run, &store, owner), open(run, &store, owner));
        let later = run.scheduler.now() + 60_000;
        let policy = |session: &mut Session| {
            session.ask_as(owner, Verb::Policy, Ask::of(empty()), [7; 16], later).unwrap().done()
        };
        assert!(policy(&mut one).is_ok());
        assert!(matches!(policy(&mut one), Err(Error::Refused)));
        assert!(policy(&mut two).is_ok());
    });
}

#[test]
fn what_went_to_the_other_fork_is_missed() {
    alone(|run, owner| {
        let store = Shared::default();
        let mut session = open(run, &store, owner);
        let old = Function::new(owner.owner, [1; 16], 1, b"old".to_vec());
        verbs::deploy(run, &mut session, owner, &old).unwrap();
        make_key(run, &mut session, owner, 1);

        let other = fork(&store);
        let new = Function::new(owner.owner, [1; 16], 2, b"new".to_vec());
        verbs::deploy(run, &mut session, owner, &new).unwrap();
        let kid = make_key(run, &mut session, owner, 2);

        let mut session = open(run, &other, owner);
        // Noticed: she names version and checksum, and knows what she has.
        assert_eq!(runs(run, &mut session, owner, &new), Err(Error::NotFound));
        assert_eq!(verbs::vault_attest(run, &mut session, owner, &kid, 2).unwrap_err(), Error::NotFound);
        assert_eq!(verbs::list(&mut session, owner, Kind::Function), Ok(vec![([1; 16], 1)]));
        // Noticed by whoever has seen the newer key; not by whoever has seen none.
        let statement = verbs::statement(&mut session, owner, &owner.owner.clone(), None).unwrap();
        let judged = |known| verbs::judge_statement(run, &statement, &owner.owner, known).map(|claims| claims.epoch);
        assert!(matches!(judged(Some((2, kid))), Err(Error::Disagrees(_))));
        assert_eq!(judged(None), Ok(1));
        // Not noticed: the old version runs, for whoever asks for it by its version and checksum.
        assert_eq!(runs(run, &mut session, owner, &old), Ok(function(b"old", &[b"input"])));
    });
}

/// Never: another thing than the one that was named.
#[test]
fn one_fork_in_the_place_of_the_other_is_named() {
    alone(|run, owner| {
        let store = Shared::default();
        let other = fork(&store);
        let mut one = open(run, &store, owner);
        let mut two = open(run, &other, owner);
        let of = |module: &[u8]| Function::new([0; 32], [1; 16], 1, module.to_vec());
        let (here, there) =
            (Function { owner: owner.owner, ..of(b"here") }, Function { owner: owner.owner, ..of(b"there") });
        // A client that lost what it knew deploys twice under one id and version, once into each fork.
        verbs::deploy(run, &mut one, owner, &here).unwrap();
        verbs::deploy(run, &mut two, owner, &there).unwrap();
        assert!(matches!(runs(run, &mut one, owner, &there), Err(Error::Disagrees(_))));
        assert!(matches!(runs(run, &mut two, owner, &here), Err(Error::Disagrees(_))));
        // Two keys of one number: whoever knows the one refuses the other.
        let kid = make_key(run, &mut one, owner, 1);
        make_key(run, &mut two, owner, 1);
        let statement = verbs::statement(&mut two, owner, &owner.owner.clone(), None).unwrap();
        let judged = verbs::judge_statement(run, &statement, &owner.owner, Some((1, kid)));
        assert_eq!(judged.unwrap_err(), Error::WrongKey);
    });
}

/// Cannot be noticed by anybody inside: deletion is asked for, not proved.
#[test]
fn what_was_deleted_comes_back_with_an_old_store() {
    alone(|run, owner| {
        let store = Shared::default();
        let mut session = open(run, &store, owner);
        let deployed = Function::new(owner.owner, [1; 16], 1, b"module".to_vec());
        verbs::deploy(run, &mut session, owner, &deployed).unwrap();
        let before = fork(&store);
        verbs::delete(&mut session, owner, Kind::Function, [1; 16], 1).unwrap();
        assert_eq!(runs(run, &mut session, owner, &deployed), Err(Error::NotFound));
        let mut session = open(run, &before, owner);
        assert_eq!(runs(run, &mut session, owner, &deployed), Ok(function(b"module", &[b"input"])));
        // Her catalogue says that it should not be there.
        assert_eq!(verbs::list(&mut session, owner, Kind::Function), Ok(vec![([1; 16], 1)]));
    });
}

/// A renewed statement rolled back is the older document of the same key: good until it is too old.
#[test]
fn an_older_statement_of_the_same_key_is_good_until_its_age() {
    alone(|run, owner| {
        let store = Shared::default();
        let mut session = open(run, &store, owner);
        let kid = make_key(run, &mut session, owner, 1);
        let before = fork(&store);
        run.scheduler.advance(20 * 86_400_000);
        let mut session = open(run, &store, owner);
        let offered = verbs::vault_attest(run, &mut session, owner, &kid, 1).unwrap();
        verbs::vault_confirm(run, &mut session, owner, &offered).unwrap();
        let name = owner.owner;
        let judged = |store: &Shared, owner: &mut Person| {
            let statement = verbs::statement(&mut open(run, store, owner), owner, &name, None).unwrap();
            verbs::judge_statement(run, &statement, &name, Some((1, kid))).map(|claims| claims.kid)
        };
        assert_eq!(judged(&before, owner), Ok(kid));
        run.scheduler.advance(11 * 86_400_000);
        assert!(matches!(judged(&before, owner), Err(Error::Expired { .. })));
        assert_eq!(judged(&store, owner), Ok(kid));
    });
}
