//! `sim` runs `SEEDS` seeds (default: one round) from `FIRST` (default: 0) on. `sim SEED…` replays these seeds and prints
//! their traces.

use capelet_sim::faults::pairs;
use capelet_sim::simulation::{round, simulate};
use capelet_sim::world::World;
use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn main() -> ExitCode {
    let world = World::new();
    let named: Vec<u64> = env::args().skip(1).filter_map(|seed| seed.parse().ok()).collect();
    let replay = !named.is_empty();
    let first = number("FIRST").unwrap_or(0);
    let seeds = if replay { named } else { (first..first + number("SEEDS").unwrap_or_else(round)).collect() };
    let (mut reached, mut failed, mut sealed) = (BTreeSet::new(), 0, 0);
    for seed in &seeds {
        let (trace, digest) = match simulate(&world, *seed) {
            Ok(report) => {
                reached.extend(report.reached);
                sealed += report.sealed;
                (report.trace, report.digest)
            }
            Err(failure) => {
                println!("{failure}");
                failed += 1;
                (failure.trace, "failed".to_string())
            }
        };
        if replay {
            trace.iter().for_each(|line| println!("{line}"));
            println!("seed {seed}: {digest}");
        }
    }
    for (call, fault) in &reached {
        println!("reached {call:?} × {fault:?}");
    }
    for (call, fault) in pairs().filter(|pair| !reached.contains(pair)) {
        println!("not reached {call:?} × {fault:?}");
    }
    let (seeds, all) = (seeds.len(), pairs().count());
    println!("{seeds} seeds, {failed} failed; {} of {all} faults reached; {sealed} chunks sealed", reached.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
