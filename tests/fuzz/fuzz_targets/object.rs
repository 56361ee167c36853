//! A stored object decrypts only with both keys, and only if it is undamaged. See `capelet_fuzz::targets::object`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::object::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    capelet_fuzz::mutate_cbor(data, size, max_size, seed)
});
