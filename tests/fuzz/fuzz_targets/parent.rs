//! The messages between the enclave and its parent each have one encoding. See `capelet_fuzz::targets::parent`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::parent::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    capelet_fuzz::mutate_cbor(data, size, max_size, seed)
});
