//! One binary, one target each run, named by `CAPELET_FUZZ_TARGET`: a single build serves them all.
//!
//! A target gives bytes to a parser. None may panic, and what is accepted must be what the format's own writer makes
//! of it again: a second form of the same thing would be a way around a digest.

#![no_main]

mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("CAPELET_FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("CAPELET_FUZZ_TARGET names none of {:?}", targets::ALL.map(|(known, _)| known))).1
});

fuzz_target!(|data: &[u8]| TARGET(data));
