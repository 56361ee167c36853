//! A data key is remembered only after it has opened an object. A wrong one is therefore wrong once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_sim::client::Session;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Fault, Plan};
use capelet_sim::verbs::{self, Function, Input};
use common::{Fixture, code, scenario};
use enclave_core::KeyShare;

/// Runs the function, and gives the response's code and how often KMS was asked for a data key.
fn run(
    fixture: &mut Fixture,
    session: &mut Session,
    function: &Function,
    fault: Option<Fault>,
) -> (&'static str, usize) {
    let target = fault.map(|fault| (Call::Decrypt, fault, 0));
    fixture.run.faults.follow(Plan { target, ..Plan::default() });
    let code = code(fixture.run(session, function, &[Input::Plain(b"input".to_vec())]));
    (code, fixture.calls(Call::Decrypt))
}

/// A session with a new boot, which remembers no data key.
fn boot(fixture: &mut Fixture) -> Session {
    fixture.enclave = Enclave::boot(&fixture.run, &fixture.store).unwrap();
    fixture.session()
}

fn two_functions(fixture: &mut Fixture) -> (Function, Function) {
    let mut session = fixture.session();
    let (function, other) = (fixture.function(1, b"one"), fixture.function(2, b"two"));
    fixture.deploy(&mut session, &function);
    fixture.deploy(&mut session, &other);
    (function, other)
}

#[test]
fn kms_is_not_asked_again_for_a_data_key_that_opened_an_object() {
    scenario(|mut fixture| {
        let (function, other) = two_functions(&mut fixture);
        let mut session = boot(&mut fixture);
        assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 1));
        assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 0));
        // Sessions share the data keys of a boot.
        let mut session = fixture.session();
        assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 0));
        assert_eq!(run(&mut fixture, &mut session, &other, None), ("done", 1), "another object");
    });
}

/// KMS answers once with the data key of another object. If the enclave kept it, the object would not open until the
/// key is forgotten.
#[test]
fn a_wrong_data_key_is_not_remembered() {
    scenario(|mut fixture| {
        let (function, other) = two_functions(&mut fixture);
        // The simulated enclave chooses one of three RSA keys for each answer. In a third of these boots the choices for
        // both objects are equal, so that the repeated answer opens and gives the other object's data key.
        for round in 0..12 {
            let mut session = boot(&mut fixture);
            assert_eq!(run(&mut fixture, &mut session, &other, None), ("done", 1), "{round}");
            let wrong = run(&mut fixture, &mut session, &function, Some(Fault::Replayed));
            assert_eq!(wrong, ("cannot-open", 1), "{round}");
            assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 1), "{round}");
            assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 0), "{round}");
        }
    });
}

/// With a wrong key share the right data key opens nothing either. The enclave cannot tell which of both is wrong.
#[test]
fn a_data_key_that_opened_nothing_is_not_remembered() {
    scenario(|mut fixture| {
        let (function, _) = two_functions(&mut fixture);
        let mut session = boot(&mut fixture);
        let inputs = [Input::Plain(b"input".to_vec())];
        for _ in 0..2 {
            let mut spec = verbs::run_spec(&fixture.run, &fixture.owner, &function, &inputs);
            spec.key_shares.insert(function.key(), KeyShare::new(&[0; 32]));
            fixture.run.faults.follow(Plan::default());
            assert_eq!(code(fixture.send(&mut session, spec)), "cannot-open");
            assert_eq!(fixture.calls(Call::Decrypt), 1);
        }
        assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 1));
        assert_eq!(run(&mut fixture, &mut session, &function, None), ("done", 0));
    });
}
