//! An enclave image that is accepted is what its parts make, and its measurements follow from it.
//! See `capelet_fuzz::targets::eif`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::eif::check(data));
