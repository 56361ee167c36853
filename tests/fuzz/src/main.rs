//! One binary, one target each run, named by `CAPELET_FUZZ_TARGET`: a single build serves them all. Named `list`, it
//! prints the targets' names.
//!
//! A target gives bytes to a parser. None may panic, and what is accepted must be what the format's own writer makes
//! of it again: a second form of the same thing would be a way around a digest. Where a checksum, a signature or a tag
//! stands in front of a parser, the target makes it, with keys of its own.

#![no_main]

mod cms;
mod mutator;
mod targets;
mod world;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::OnceLock;

static TARGET: OnceLock<targets::Target> = OnceLock::new();

fn choose() {
    let name = std::env::var("CAPELET_FUZZ_TARGET").unwrap_or_default();
    if name == "list" {
        targets::ALL.iter().for_each(|(name, _)| println!("{name}"));
        std::process::exit(0);
    }
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    TARGET.get_or_init(|| found.unwrap_or_else(|| panic!("CAPELET_FUZZ_TARGET names no target: {name:?}")).1);
}

fuzz_target!(init: choose(), |data: &[u8]| TARGET.get().expect("chosen at the start")(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::mutate(data, size, max_size, seed)
});
