//! Valid objects of one owner, exchanged by the parent: each is a mismatch, and no key is asked for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Plan};
use capelet_sim::vault;
use capelet_sim::verbs::{Function, Input};
use common::{Fixture, code, scenario};
use enclave_core::attestation::VaultClaims;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Error, ObjectId};

/// An owner's two functions, the second version of the first, and two vault keys.
struct Owned {
    function: Function,
    other_function: Function,
    next_version: Function,
    key: VaultClaims,
    other_key: VaultClaims,
}

fn make(fixture: &mut Fixture) -> Owned {
    let mut session = fixture.session();
    let (function, other_function) = (fixture.function(1, b"one"), fixture.function(2, b"two"));
    let next_version = Function::new(fixture.owner.owner, ObjectId::new([1; 16]), 2, b"one".to_vec());
    for function in [&function, &other_function, &next_version] {
        fixture.deploy(&mut session, function);
    }
    let (key, other_key) = (fixture.make_key(&mut session, 1), fixture.make_key(&mut session, 2));
    Owned { function, other_function, next_version, key, other_key }
}

fn function_key(function: &Function) -> StoreKey {
    StoreKey { kind: StoreKind::Function, owner: function.owner, id: function.id, version: function.version }
}

fn vault_store_key(claims: &VaultClaims) -> StoreKey {
    StoreKey { kind: StoreKind::VaultKey, owner: claims.owner, id: claims.kid.object_id(), version: claims.epoch }
}

/// Stores the object of `found` under `named`, and checks that `open` gives a mismatch before KMS or a worker is asked.
fn rejects(
    fixture: &mut Fixture,
    named: StoreKey,
    found: StoreKey,
    open: &dyn Fn(&mut Fixture, &mut Session) -> &'static str,
) {
    let (genuine, swapped) = {
        let store = fixture.store.lock().unwrap();
        (store.objects[&named].clone(), store.objects[&found].clone())
    };
    fixture.put(named, swapped);
    // A new boot, because an enclave remembers data keys.
    fixture.enclave = Enclave::boot(&fixture.run, &fixture.store).unwrap();
    let mut session = fixture.session();
    fixture.run.faults.follow(Plan::default());
    assert_eq!(open(fixture, &mut session), "disagrees");
    assert_eq!((fixture.calls(Call::GetObject), fixture.calls(Call::Decrypt), fixture.calls(Call::Work)), (1, 0, 0));
    fixture.put(named, genuine);
    assert_eq!(open(fixture, &mut session), "done");
}

#[test]
fn rejects_another_function_in_place_of_a_function() {
    scenario(|mut fixture| {
        let owned = make(&mut fixture);
        let named = owned.function.clone();
        let run = move |fixture: &mut Fixture, session: &mut Session| {
            code(fixture.run(session, &named, &[Input::Plain(b"input".to_vec())]))
        };
        for other in [&owned.other_function, &owned.next_version] {
            rejects(&mut fixture, function_key(&owned.function), function_key(other), &run);
        }
    });
}

#[test]
fn rejects_a_vault_key_in_place_of_a_function() {
    scenario(|mut fixture| {
        let owned = make(&mut fixture);
        let named = owned.function.clone();
        rejects(&mut fixture, function_key(&owned.function), vault_store_key(&owned.key), &move |fixture, session| {
            code(fixture.run(session, &named, &[Input::Plain(b"input".to_vec())]))
        });
    });
}

#[test]
fn rejects_another_vault_key_or_a_function_in_place_of_a_vault_key() {
    scenario(|mut fixture| {
        let owned = make(&mut fixture);
        let kid = owned.key.kid;
        let attest = move |fixture: &mut Fixture, session: &mut Session| {
            let attested = vault::attest(&fixture.run, session, &mut fixture.owner, kid, 1);
            attested.map_or_else(Error::code, |_| "done")
        };
        let named = vault_store_key(&owned.key);
        rejects(&mut fixture, named, vault_store_key(&owned.other_key), &attest);
        rejects(&mut fixture, named, function_key(&owned.function), &attest);
    });
}

/// The vault key of an encrypted input. The function is genuine, so KMS opens it before the vault key is loaded.
#[test]
fn rejects_another_vault_key_or_a_function_in_place_of_the_vault_key_of_an_input() {
    scenario(|mut fixture| {
        let owned = make(&mut fixture);
        let checksums = Some(vec![owned.function.checksum]);
        let file = vault::encrypt(&mut fixture.owner.prng, &owned.key, checksums, b"secret").unwrap();
        let inputs = [Input::Encrypted(file, 1)];
        let named = vault_store_key(&owned.key);
        let genuine = fixture.store.lock().unwrap().objects[&named].clone();
        for found in [vault_store_key(&owned.other_key), function_key(&owned.function)] {
            let swapped = fixture.store.lock().unwrap().objects[&found].clone();
            fixture.put(named, swapped);
            fixture.enclave = Enclave::boot(&fixture.run, &fixture.store).unwrap();
            let mut session = fixture.session();
            fixture.run.faults.follow(Plan::default());
            assert_eq!(code(fixture.run(&mut session, &owned.function, &inputs)), "disagrees");
            assert_eq!((fixture.calls(Call::Decrypt), fixture.calls(Call::Work)), (1, 0));
            fixture.put(named, genuine.clone());
            assert_eq!(code(fixture.run(&mut session, &owned.function, &inputs)), "done");
        }
    });
}
