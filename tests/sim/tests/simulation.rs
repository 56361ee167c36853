//! A round of seeds: each fault at least once, nothing lost, nothing wrong, no nonce twice; and a seed is one trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_sim::actor::{Actor, Board};
use capelet_sim::faults::{Plan, pairs};
use capelet_sim::run::{Enclave, Run};
use capelet_sim::simulation::{round, simulate};
use capelet_sim::store::Store;
use capelet_sim::world::World;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[test]
fn a_round_holds_and_reaches_every_fault() {
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
fn the_same_seed_is_the_same_trace() {
    let world = World::new();
    let other = World::new();
    let digest = |world, seed| simulate(world, seed).unwrap_or_else(|failure| panic!("{failure}")).digest;
    // Without faults, with faults in pipes, with documents, with many; over two worlds, whose documents differ.
    let round = round();
    let seeds = [round - 1, round - 2, round - 12, round - 20, 1, 30, 40, 60, 80, 5 * round - 1, 6 * round - 2];
    for seed in seeds {
        assert_eq!(digest(&world, seed), digest(&other, seed), "seed {seed}");
    }
    let digests: BTreeSet<_> = seeds.iter().map(|seed| digest(&world, *seed)).collect();
    assert_eq!(digests.len(), seeds.len());
}

/// What the audit is worth: a parent that forgets what was acknowledged does not get past it.
#[test]
fn a_loss_does_not_pass() {
    let world = World::new();
    let lived = |forgets: bool| {
        let run = Run::new(&world, 7, Plan::default());
        let store = Arc::new(Mutex::new(Store::default()));
        let enclave = Enclave::boot(&run, &store).unwrap();
        let board = Arc::new(Mutex::new(Board::default()));
        let mut owner = Actor::new(&run, &[enclave], "owner", 1, &board);
        run.spawn("owner", move || {
            owner.deploy();
            owner.make_vault();
            if forgets {
                store.lock().unwrap().objects.clear();
            }
            owner.audit(false);
        });
        run.go()
    };
    assert_eq!(lived(false), Ok(()));
    assert!(lived(true).unwrap_err().contains("a function that was acknowledged"));
}
