//! A round of seeds reaches each fault, and no seed fails. A seed always gives the same trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::actor::{Actor, Board};
use capelet_sim::enclave::Enclave;
use capelet_sim::faults::{Plan, pairs};
use capelet_sim::run::Run;
use capelet_sim::simulation::{round, simulate};
use capelet_sim::store::Store;
use capelet_sim::world::World;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[test]
fn no_seed_of_a_round_fails_and_every_fault_is_reached() {
    let world = World::new();
    let (mut reached, mut failures, mut sealed) = (BTreeSet::new(), Vec::new(), 0);
    for seed in 0..round() {
        match simulate(&world, seed) {
            Ok(report) => {
                reached.extend(report.reached);
                sealed += report.sealed;
            }
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    for (call, fault) in &reached {
        println!("reached {call:?} × {fault:?}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let missing: Vec<_> = pairs().filter(|pair| !reached.contains(pair)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    assert!(sealed > 1000, "{sealed} chunks");
}

#[test]
fn a_seed_decides_the_trace() {
    let world = World::new();
    let other = World::new();
    let digest = |world, seed| simulate(world, seed).unwrap_or_else(|failure| panic!("{failure}")).digest;
    // Without faults, with faults of pipes and of documents, and with many faults. The documents of two worlds differ.
    let round = round();
    let seeds = [round - 1, round - 2, round - 12, round - 20, 1, 30, 40, 60, 80, 5 * round - 1, 6 * round - 2];
    for seed in seeds {
        assert_eq!(digest(&world, seed), digest(&other, seed), "seed {seed}");
    }
    let digests: BTreeSet<_> = seeds.iter().map(|seed| digest(&world, *seed)).collect();
    assert_eq!(digests.len(), seeds.len());
}

/// Shows that the audit works.
#[test]
fn the_audit_detects_a_parent_that_loses_objects() {
    let world = World::new();
    let audited = |loses: bool| {
        let run = Run::new(&world, 7, Plan::default());
        let store = Arc::new(Mutex::new(Store::default()));
        let enclave = Enclave::boot(&run, &store).unwrap();
        let board = Arc::new(Mutex::new(Board::default()));
        let mut owner = Actor::new(&run, &[enclave], "owner", 1, &board);
        run.spawn("owner", move || {
            owner.deploy();
            owner.make_vault_key();
            if loses {
                store.lock().unwrap().objects.clear();
            }
            owner.audit(false);
        });
        run.finish()
    };
    assert_eq!(audited(false), Ok(()));
    assert!(audited(true).unwrap_err().contains("an acknowledged function must run"));
}
