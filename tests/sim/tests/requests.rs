//! Requests that come twice, too late, for somebody else, or with more than they say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::client::{Ask, Person, Session};
use capelet_sim::faults::Plan;
use capelet_sim::run::{Enclave, Run};
use capelet_sim::store::Store;
use capelet_sim::verbs::{self, Function, Input};
use capelet_sim::world::World;
use enclave_core::Error;
use enclave_core::error::Down;
use enclave_core::message::{Described, MAX_AHEAD, Verb, empty};
use enclave_core::shared;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn alone(work: impl FnOnce(&Arc<Run>, &Arc<Enclave>, &mut Person) + Send + 'static) {
    Run::new(&World::new(), 1, Plan::default()).alone(|run| {
        let enclave = Enclave::boot(run, &Arc::new(Mutex::new(Store::default()))).unwrap();
        work(run, &enclave, &mut Person::new(run, "somebody", 1));
    });
}

fn policy(session: &mut Session, person: &Person, id: u8, not_after: u64) -> Result<(), Error> {
    session.ask_as(person, Verb::Policy, Ask::of(empty()), [id; 16], not_after)?.done().map(|_| ())
}

#[test]
fn once_and_in_time() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let later = |milliseconds| run.scheduler.now() + milliseconds;
        assert_eq!(policy(&mut session, person, 1, later(1000)), Ok(()));
        assert_eq!(policy(&mut session, person, 1, later(1000)), Err(Error::Refused));
        assert_eq!(policy(&mut session, person, 2, run.scheduler.now() - 1000), Err(Error::RequestExpired));
        assert_eq!(policy(&mut session, person, 2, later(MAX_AHEAD + 60_000)), Err(Error::RequestExpired));
        assert_eq!(policy(&mut session, person, 2, later(1000)), Ok(()));
        // In another session of the same boot it is still known; another caller's ids are his own.
        let mut another = Session::open(enclave, &mut person.prng).unwrap();
        assert_eq!(policy(&mut another, person, 2, later(1000)), Err(Error::Refused));
        let mut other = Person::new(run, "other", 2);
        let mut session = Session::open(enclave, &mut other.prng).unwrap();
        assert_eq!(policy(&mut session, &other, 2, later(1000)), Ok(()));
    });
}

#[test]
fn one_caller_a_session() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let other = Person::new(run, "other", 2);
        let later = run.scheduler.now() + 60_000;
        assert_eq!(policy(&mut session, person, 1, later), Ok(()));
        assert_eq!(policy(&mut session, &other, 2, later), Err(Error::Refused));
        assert_eq!(policy(&mut session, person, 3, later), Ok(()));
    });
}

/// A limit is a limit, and never `busy`, which one tries again.
#[test]
fn what_is_announced_over_the_limit_is_named() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let function = Function::new(person.owner, [1; 16], 1, b"module".to_vec());
        let state = session.claims.kms.clone().unwrap();
        let announced = |length| Some(Described { length, sha256: [0; 32] });
        for length in [(64 << 20) + 1, 500 << 20, u64::MAX] {
            let ask =
                Ask { announced: announced(length), body: None, ..verbs::deploy_ask(run, person, &state, &function) };
            let answered = session.ask(person, Verb::Deploy, ask).unwrap().done();
            assert!(matches!(answered, Err(Error::InputLimit(_))), "{length}");
        }
        verbs::deploy(run, &mut session, person, &function).unwrap();
        for length in [(1 << 20) + 1, 500 << 20, u64::MAX] {
            let ask = verbs::run_ask(run, person, &function, &[Input::Plain(Vec::new())]);
            let ask = Ask { announced: announced(length), body: None, ..ask };
            let answered = session.ask(person, Verb::Run, ask).unwrap().done();
            assert!(matches!(answered, Err(Error::InputLimit(_))), "{length}");
        }
    });
}

/// What a run takes is promised before it is read: with no memory left nothing is loaded, and KMS is not asked.
#[test]
fn without_memory_nothing_is_loaded() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let function = Function::new(person.owner, [1; 16], 1, vec![7; 100_000]);
        verbs::deploy(run, &mut session, person, &function).unwrap();
        let mut ran = || {
            let ask = verbs::run_ask(run, person, &function, &[Input::Plain(b"x".to_vec())]);
            session.ask(person, Verb::Run, ask).unwrap().done().map(|_| ())
        };
        let held = shared::hold(&enclave.platform, shared::MAX_HELD - 150_000).unwrap();
        assert_eq!(ran(), Err(Error::Busy));
        drop(held);
        assert_eq!(ran(), Ok(()));
        // All of it was given back.
        assert!(shared::hold(&enclave.platform, shared::MAX_HELD).is_ok());
    });
}

/// A result counts until its last byte is on its way: who reads slowly, in many sessions, takes no more than there is.
#[test]
fn a_result_that_is_not_read_counts() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let function = Function::new(person.owner, [1; 16], 1, b"module".to_vec());
        verbs::deploy(run, &mut session, person, &function).unwrap();
        let refused = Arc::new(AtomicUsize::new(0));
        let (watched, counted) = (enclave.clone(), refused.clone());
        session.watch = Some(Box::new(move || {
            // The run has ended, and what it took was given back.
            if shared::hold(&watched.platform, shared::MAX_HELD - 500_000).is_err() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }));
        let ask = verbs::run_ask(run, person, &function, &[Input::Plain(vec![7; 600_000])]);
        session.ask(person, Verb::Run, ask).unwrap().done().unwrap();
        assert!(refused.load(Ordering::Relaxed) > 0);
        assert!(shared::hold(&enclave.platform, shared::MAX_HELD).is_ok());
    });
}

/// Nobody keeps the enclave reading: what is longer than it says, or says more than any body may be, ends it.
#[test]
fn a_body_without_end_ends_the_connection() {
    alone(|_, enclave, person| {
        let described = |length| Some(Described { length, sha256: [0; 32] });
        for (announced, survives) in [(200_000, true), (199_999, false), (0, false), (2 << 30, false)] {
            let mut session = Session::open(enclave, &mut person.prng).unwrap();
            let ask = Ask { body: Some(vec![0; 200_000]), announced: described(announced), ..Ask::of(empty()) };
            let answered = session.ask(person, Verb::List, ask).and_then(|answered| answered.done());
            let expected = if survives { Error::Refused } else { Error::Down(Down::Closed) };
            assert_eq!(answered.map(|_| ()), Err(expected), "{announced}");
        }
    });
}

/// What is announced is what comes.
#[test]
fn another_body_than_the_one_that_was_signed() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let function = Function::new(person.owner, [1; 16], 1, b"module".to_vec());
        verbs::deploy(run, &mut session, person, &function).unwrap();
        for announced in [Described::of(b"othes"), Described::of(b"others")] {
            let ask = verbs::run_ask(run, person, &function, &[Input::Plain(b"other".to_vec())]);
            let answered = session.ask(person, Verb::Run, Ask { announced: Some(announced), ..ask }).unwrap().done();
            assert!(matches!(answered, Err(Error::Disagrees(_))));
        }
    });
}

/// KMS takes no signature that is older than five minutes; a body may be longer on its way.
#[test]
fn a_slow_body_is_sealed_and_opened_all_the_same() {
    alone(|run, enclave, person| {
        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let pause = 7 * 60_000;
        let later = run.scheduler.now() + MAX_AHEAD;
        let module = vec![7; 100_000];
        let function = Function::new(person.owner, [1; 16], 1, module.clone());
        let state = session.claims.kms.clone().unwrap();
        let ask = Ask { pause, ..verbs::deploy_ask(run, person, &state, &function) };
        session.ask_as(person, Verb::Deploy, ask, [1; 16], later).unwrap().done().unwrap();

        let mut session = Session::open(enclave, &mut person.prng).unwrap();
        let later = run.scheduler.now() + MAX_AHEAD;
        let ask = Ask { pause, ..verbs::run_ask(run, person, &function, &[Input::Plain(vec![1; 100_000])]) };
        session.ask_as(person, Verb::Run, ask, [2; 16], later).unwrap().done().unwrap();
        // Yet what came in time does not start when it is too late.
        let later = run.scheduler.now() + 60_000;
        let ask = Ask { pause, ..verbs::run_ask(run, person, &function, &[Input::Plain(vec![1; 100_000])]) };
        let answered = session.ask_as(person, Verb::Run, ask, [3; 16], later).unwrap();
        assert_eq!(answered.done().map(|_| ()), Err(Error::RequestExpired));
    });
}
