//! Two enclaves of one image, over one store and over two copies of it that a parent made: what a client detects, and what
//! it cannot. Which boot answers is not authenticated, and no store is bound to a boot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::person::Person;
use capelet_sim::request::RequestSpec;
use capelet_sim::run::Run;
use capelet_sim::store::Store;
use capelet_sim::vault;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::worker::output_of;
use common::{Fixture, scenario};
use enclave_core::messages::PolicyParams;
use enclave_core::parent::{ListEntry, StoreKind};
use enclave_core::{Deadline, Error, ObjectId, RequestId};
use std::sync::{Arc, Mutex};

const ID: ObjectId = ObjectId::new([1; 16]);

/// A session with a new boot over `store`.
fn boot(fixture: &mut Fixture, store: &Arc<Mutex<Store>>) -> Session {
    Session::open(&Enclave::boot(&fixture.run, store).unwrap(), &mut fixture.owner.prng).unwrap()
}

/// A copy of the store.
fn fork(store: &Arc<Mutex<Store>>) -> Arc<Mutex<Store>> {
    Arc::new(Mutex::new(store.lock().unwrap().clone()))
}

fn function(fixture: &Fixture, version: u64, module: &[u8]) -> Function {
    Function::new(fixture.owner.owner, ID, version, module.to_vec())
}

/// The output of a run on `input`, or its error.
fn output(run: &Run, session: &mut Session, owner: &mut Person, function: &Function) -> Result<Vec<u8>, Error> {
    let inputs = [Input::Plain(b"input".to_vec())];
    verbs::run_function(run, session, owner, function, &inputs)?.ok().map(|received| received.body)
}

#[test]
fn every_boot_serves_the_one_store() {
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let (mut one, mut two) = (boot(&mut fixture, &store), boot(&mut fixture, &store));
        let deployed = function(&fixture, 1, b"module");
        fixture.deploy(&mut one, &deployed);
        let kid = fixture.make_key(&mut two, 1).kid;
        let other = function(&fixture, 1, b"other");
        let Fixture { run, mut owner, .. } = fixture;
        assert_eq!(output(&run, &mut two, &mut owner, &deployed), Ok(output_of(b"module", &[b"input"])));
        let verified = vault::attest(&run, &mut one, &mut owner, kid, 1).unwrap();
        // An id and version are used once, whichever boot is asked.
        assert_eq!(verbs::deploy(&run, &mut two, &mut owner, &other), Err(Error::Exists));
        // Only the boot that attested a key has it pending.
        assert_eq!(vault::confirm(&run, &mut two, &mut owner, &verified), Err(Error::Refused));
        assert_eq!(vault::confirm(&run, &mut one, &mut owner, &verified), Ok(()));
        // The receipt key names the boot.
        assert_ne!(one.claims.receipt_key, two.claims.receipt_key);
    });
}

/// No enclave detects it, because each boot remembers request ids for itself. A request is signed over the session's
/// claims, so only its own client could send it in two sessions.
#[test]
fn each_boot_remembers_request_ids_for_itself() {
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let (mut one, mut two) = (boot(&mut fixture, &store), boot(&mut fixture, &store));
        let deadline = Deadline::new(fixture.run.scheduler.now().plus(60_000));
        let mut policy = |session: &mut Session| {
            let id = Some(RequestId::new([7; 16]));
            let spec = RequestSpec { id, not_after: Some(deadline), ..RequestSpec::new(&PolicyParams::Configured) };
            fixture.send(session, spec).ok().map(|_| ())
        };
        assert_eq!(policy(&mut one), Ok(()));
        assert_eq!(policy(&mut one), Err(Error::Refused));
        assert_eq!(policy(&mut two), Ok(()));
    });
}

#[test]
fn a_client_detects_that_a_fork_lacks_its_objects() {
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let mut session = boot(&mut fixture, &store);
        let (old, new) = (function(&fixture, 1, b"old"), function(&fixture, 2, b"new"));
        fixture.deploy(&mut session, &old);
        fixture.make_key(&mut session, 1);

        let other = fork(&store);
        fixture.deploy(&mut session, &new);
        let kid = fixture.make_key(&mut session, 2).kid;

        let mut session = boot(&mut fixture, &other);
        let Fixture { run, mut owner, .. } = fixture;
        // Detected: the client names version and checksum, and knows its objects.
        assert_eq!(output(&run, &mut session, &mut owner, &new), Err(Error::NotFound));
        assert_eq!(vault::attest(&run, &mut session, &mut owner, kid, 2).unwrap_err(), Error::NotFound);
        assert_eq!(verbs::list(&mut session, &mut owner, StoreKind::Function), Ok(vec![old.entry()]));
        // Detected by a sender who has seen the newer key, and not by one who has seen none.
        let name = owner.owner;
        let statement = vault::statement(&mut session, &mut owner, name, None).unwrap();
        let verified = |known| vault::verify_statement(&run, &statement, name, known).map(|claims| claims.epoch);
        assert!(matches!(verified(Some((2, kid))), Err(Error::Mismatch(_))));
        assert_eq!(verified(None), Ok(1));
        // Not detected: the old version runs for a client that names its version and checksum.
        assert_eq!(output(&run, &mut session, &mut owner, &old), Ok(output_of(b"old", &[b"input"])));
    });
}

/// A client never gets another object than the one that it named.
#[test]
fn rejects_an_object_of_one_fork_under_its_name_in_the_other() {
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let other = fork(&store);
        let (mut one, mut two) = (boot(&mut fixture, &store), boot(&mut fixture, &other));
        // A client that lost its catalogue deploys twice under one id and version, once into each fork.
        let (here, there) = (function(&fixture, 1, b"here"), function(&fixture, 1, b"there"));
        fixture.deploy(&mut one, &here);
        fixture.deploy(&mut two, &there);
        // Two keys of one epoch.
        let kid = fixture.make_key(&mut one, 1).kid;
        fixture.make_key(&mut two, 1);
        let Fixture { run, mut owner, .. } = fixture;
        assert!(matches!(output(&run, &mut one, &mut owner, &there), Err(Error::Mismatch(_))));
        assert!(matches!(output(&run, &mut two, &mut owner, &here), Err(Error::Mismatch(_))));
        let name = owner.owner;
        let statement = vault::statement(&mut two, &mut owner, name, None).unwrap();
        let verified = vault::verify_statement(&run, &statement, name, Some((1, kid)));
        assert_eq!(verified.unwrap_err(), Error::WrongKey);
    });
}

/// No enclave can detect it: a deletion is requested, not proved. The owner's catalogue lacks the function.
#[test]
fn a_deleted_object_returns_with_an_older_store() {
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let mut session = boot(&mut fixture, &store);
        let deployed = function(&fixture, 1, b"module");
        fixture.deploy(&mut session, &deployed);
        let before = fork(&store);
        let entry = ListEntry { id: ID, version: 1 };
        verbs::delete(&mut session, &mut fixture.owner, StoreKind::Function, entry).unwrap();
        let mut older = boot(&mut fixture, &before);
        let Fixture { run, mut owner, .. } = fixture;
        assert_eq!(output(&run, &mut session, &mut owner, &deployed), Err(Error::NotFound));
        assert_eq!(output(&run, &mut older, &mut owner, &deployed), Ok(output_of(b"module", &[b"input"])));
        assert_eq!(verbs::list(&mut older, &mut owner, StoreKind::Function), Ok(vec![entry]));
    });
}

/// A renewed statement that is rolled back is the older document of the same key.
#[test]
fn an_older_statement_of_a_key_is_valid_until_it_is_too_old() {
    const DAY: u64 = 86_400_000;
    scenario(|mut fixture| {
        let store = fixture.store.clone();
        let mut session = boot(&mut fixture, &store);
        let kid = fixture.make_key(&mut session, 1).kid;
        let before = fork(&store);
        fixture.run.scheduler.advance(20 * DAY);
        let mut session = boot(&mut fixture, &store);
        let verified = vault::attest(&fixture.run, &mut session, &mut fixture.owner, kid, 1).unwrap();
        vault::confirm(&fixture.run, &mut session, &mut fixture.owner, &verified).unwrap();
        let name = fixture.owner.owner;
        let newest = |fixture: &mut Fixture, store: &Arc<Mutex<Store>>| {
            let mut session = boot(fixture, store);
            let statement = vault::statement(&mut session, &mut fixture.owner, name, None).unwrap();
            vault::verify_statement(&fixture.run, &statement, name, Some((1, kid))).map(|claims| claims.kid)
        };
        assert_eq!(newest(&mut fixture, &before), Ok(kid));
        fixture.run.scheduler.advance(11 * DAY);
        assert!(matches!(newest(&mut fixture, &before), Err(Error::Expired { .. })));
        assert_eq!(newest(&mut fixture, &store), Ok(kid));
    });
}
