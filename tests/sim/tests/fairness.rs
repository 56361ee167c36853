//! Where a list says who may deploy, one caller cannot keep another one out: not with bodies
//! and not with outputs. Sessions, workers and request ids have tests beside their code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::enclave::Enclave;
use capelet_sim::verbs::{self, Input};
use common::{Fixture, code, scenario};
use enclave_core::Deployers;
use enclave_core::messages::BodyDigest;
use enclave_core::state::reserve;

/// Boots for the owner, who will be greedy, and for the other person.
fn boot_for_two(fixture: &mut Fixture) {
    let list = Deployers::encode(&[7; 32], vec![fixture.owner.owner, fixture.other.owner]);
    fixture.enclave = Enclave::boot_for(&fixture.run, &fixture.store, list).unwrap();
}

#[test]
fn one_callers_bodies_and_outputs_leave_memory_for_another() {
    scenario(|mut fixture| {
        boot_for_two(&mut fixture);
        // What slow bodies, and results that nobody reads, hold.
        let account = fixture.enclave.boot.account(&fixture.owner.owner);
        let enclave = fixture.enclave.clone();
        let mut held = Vec::new();
        while let Ok(more) = reserve(&enclave.platform, account, 1 << 20) {
            held.push(more);
        }
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        let key = verbs::accepted_key(&session).unwrap();
        let large = BodyDigest { length: 8 << 20, sha256: [0; 32] };
        let spec = verbs::deploy_spec(&fixture.run, &fixture.owner, &key, &function);
        let spec = capelet_sim::request::RequestSpec { announced: Some(large), body: None, ..spec };
        assert_eq!(session.send(&mut fixture.owner, spec).map(code), Ok("busy"));

        let mut session = fixture.others_session();
        let others = verbs::Function::new(fixture.other.owner, function.id, 1, b"module".to_vec());
        assert_eq!(verbs::deploy(&fixture.run, &mut session, &mut fixture.other, &others), Ok(()));
        let inputs = [Input::Plain(vec![7; 100_000])];
        let ran = verbs::run_function(&fixture.run, &mut session, &mut fixture.other, &others, &inputs).unwrap();
        assert_eq!(code(ran), "done");
        drop(held);
    });
}
