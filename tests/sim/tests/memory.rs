//! Memory is reserved before it is used: for bodies, stored objects and outputs. `busy` means that nothing was started.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_abi::worker_memory;
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Call, Plan};
use capelet_sim::platform::{MEMORY, SimPlatform};
use capelet_sim::verbs::Input;
use capelet_sim::worker::output_of;
use common::{Fixture, scenario};
use enclave_core::Error;
use enclave_core::messages::Status;
use enclave_core::state::{Account, Reservation};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More than a small function, its object and its input need.
const SMALL: u64 = 150_000;

/// Reserves memory for someone else.
fn reserve(platform: &SimPlatform, bytes: u64) -> Result<Reservation<'_, SimPlatform>, Error> {
    enclave_core::state::reserve(platform, Account::ANYONE, bytes)
}

/// Whether all memory is free, after the enclave had enough turns to give back the memory of a response that it sent.
fn is_all_free(fixture: &Fixture) -> bool {
    (0..200).for_each(|_| fixture.run.scheduler.yield_turn());
    reserve(&fixture.enclave.platform, MEMORY).is_ok()
}

/// Reserves all memory that is left and never gives it back.
fn take_all(enclave: &Enclave) {
    for bit in (0..=MEMORY.ilog2()).rev() {
        while let Ok(reservation) = reserve(&enclave.platform, 1 << bit) {
            std::mem::forget(reservation);
        }
    }
}

#[test]
fn loads_nothing_and_asks_kms_nothing_without_memory_for_the_object() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, &[7; 100_000]);
        fixture.deploy(&mut session, &function);
        let inputs = [Input::Plain(b"x".to_vec())];
        let enclave = fixture.enclave.clone();
        let others = reserve(&enclave.platform, MEMORY - SMALL).unwrap();
        fixture.run.faults.follow(Plan::default());
        let received = fixture.run(&mut session, &function, &inputs);
        assert_eq!(received.ok().map(|_| ()), Err(Error::BUSY));
        assert_eq!(fixture.calls(Call::Decrypt), 0);
        drop(others);
        assert!(fixture.run(&mut session, &function, &inputs).ok().is_ok());
        assert!(is_all_free(&fixture));
    });
}

/// A worker's place is free, but the memory for its output is not.
#[test]
fn busy_is_answered_before_the_function_runs() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let inputs = [Input::Plain(b"x".to_vec())];
        let enclave = fixture.enclave.clone();
        let others = reserve(&enclave.platform, MEMORY - SMALL).unwrap();
        fixture.run.faults.follow(Plan::default());
        let received = fixture.run(&mut session, &function, &inputs);
        assert_eq!(received.response.status, Status::of(Error::BUSY).number());
        assert!(received.response.receipt.is_none() && received.body.is_empty());
        // Only the output's memory was missing: the platform was asked for a worker.
        assert_eq!(fixture.calls(Call::Work), 1);
        assert_eq!(fixture.run.workers_started(session.number), 0);
        drop(others);
        assert!(is_all_free(&fixture));

        // The memory of the worker and the limit of the output are reserved, whatever the function will use.
        let limits = fixture.run.world.configuration().limits;
        let needed = worker_memory(limits.memory, b"module".len(), 1) + limits.output;
        let others = reserve(&enclave.platform, MEMORY - needed).unwrap();
        assert_eq!(fixture.run(&mut session, &function, &inputs).ok().map(|_| ()), Err(Error::BUSY));
        drop(others);
        let _others = reserve(&enclave.platform, MEMORY - SMALL - needed).unwrap();
        assert!(fixture.run(&mut session, &function, &inputs).ok().is_ok());
        assert_eq!(fixture.run.workers_started(session.number), 1);
    });
}

#[test]
fn a_run_that_started_is_answered_although_all_memory_is_taken_meanwhile() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let data = vec![7; 300_000];
        let within = fixture.enclave.clone();
        fixture.enclave.platform.during_next_run(move || {
            take_all(&within);
            assert!(matches!(reserve(&within.platform, 1), Err(Error::BUSY)));
        });
        let received = fixture.run(&mut session, &function, &[Input::Plain(data.clone())]);
        assert_eq!(received.response.status, Status::DONE.number());
        assert!(received.body == output_of(b"module", &[&data]));
        let receipt = session.check_receipt(&received, &[&data], &[None], Some(&received.body)).unwrap();
        assert!(receipt.status.is_done());
        assert_eq!(fixture.run.workers_started(session.number), 1);
    });
}

/// An output counts until its last byte is sent. Clients that read slowly, in many sessions, cannot exceed the limit.
#[test]
fn an_output_stays_reserved_until_it_is_sent() {
    scenario(|mut fixture| {
        let mut session = fixture.session();
        let function = fixture.function(1, b"module");
        fixture.deploy(&mut session, &function);
        let busy = Arc::new(AtomicUsize::new(0));
        let (enclave, counter) = (fixture.enclave.clone(), busy.clone());
        session.on_chunk = Some(Box::new(move || {
            // The run has ended. What the output does not need of its reservation of 1 MiB was given back.
            assert!(reserve(&enclave.platform, MEMORY - 700_000).is_ok());
            if reserve(&enclave.platform, MEMORY - 500_000).is_err() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }));
        fixture.run(&mut session, &function, &[Input::Plain(vec![7; 600_000])]).ok().unwrap();
        assert!(busy.load(Ordering::Relaxed) > 0);
        assert!(is_all_free(&fixture));
    });
}
