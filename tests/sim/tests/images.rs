//! An image opens only what it sealed itself, and a key share belongs to one object.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Plan};
use capelet_sim::vault;
use capelet_sim::verbs::{self, Function, Input, vault_key};
use common::{Fixture, code, scenario};
use enclave_core::{Error, ObjectId, Pcr};
use std::sync::Arc;

/// An enclave of another image, which clients pin too, over the same store.
fn other_image(fixture: &Fixture) -> Arc<Enclave> {
    let configuration = fixture.run.world.configuration().encode();
    let image = &fixture.run.world.other_image;
    Enclave::boot_image(&fixture.run, &fixture.store, configuration, None, image).unwrap()
}

/// The share is the right one: a client sent it that did not compare. The image refuses before it asks KMS.
#[test]
fn another_image_opens_neither_a_function_nor_a_vault_key() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let claims = fixture.make_key(&mut session, 1);
        assert_eq!(claims.images, [Pcr::new(fixture.run.world.measured.pcr0)]);

        let other = other_image(&fixture);
        let mut session = Session::open(&other, &mut fixture.owner.prng).unwrap();
        fixture.run.faults.follow(Plan::default());
        let ran = fixture.run(&mut session, &function, &[Input::Plain(b"x".to_vec())]);
        assert_eq!(code(ran), "wrong-image");
        let attested = vault::attest(&fixture.run, &mut session, &mut fixture.owner, claims.kid, 1);
        assert_eq!(attested.err(), Some(Error::WrongImage));
        assert_eq!(fixture.calls(Call::Decrypt), 0);
        // It stores nothing in the name of the first image either.
        let second = fixture.function(2, b"module");
        let deployed = verbs::deploy(&fixture.run, &mut session, &mut fixture.owner, &second);
        assert_eq!(deployed, Err(Error::WrongImage));
        assert_eq!(fixture.calls(Call::GenerateDataKey), 0);
    });
}

/// A function's owner chooses its id. It may equal the id of the vault key that an input needs.
#[test]
fn a_function_and_a_vault_key_with_one_id_have_a_key_share_each() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let claims = fixture.make_key(&mut session, 1);
        let id = claims.kid.object_id();
        let function = Function::new(fixture.owner.owner, id, 1, b"module".to_vec());
        fixture.deploy(&mut session, &function);
        let file = vault::encrypt(&mut fixture.other.prng, &claims, Some(vec![function.checksum]), b"secret").unwrap();
        let inputs = [Input::Encrypted(file, 1)];
        assert_eq!(code(fixture.run(&mut session, &function, &inputs)), "done");
        // Without the share of either, nothing opens.
        for key in [function.key(), vault_key(fixture.owner.owner, &claims.kid, 1)] {
            let mut spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &inputs);
            assert!(spec.key_shares.remove(&key).is_some());
            assert_eq!(code(fixture.send(&mut session, spec)), "cannot-open", "{key:?}");
        }
        // The share of one is not that of the other, and not that of another owner's object with the same id.
        let mut spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &inputs);
        let share = spec.key_shares.remove(&function.key()).unwrap();
        let others = Function::new(fixture.other.owner, ObjectId::new(*id.as_bytes()), 1, Vec::new());
        spec.key_shares.insert(others.key(), share);
        assert_eq!(code(fixture.send(&mut session, spec)), "cannot-open");
    });
}
