//! The messages between the core, PID 1 and the worker each have one encoding. See `capelet_fuzz::targets::job`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::job::check(data));
