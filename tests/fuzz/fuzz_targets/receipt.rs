//! A receipt is verified only with the session's key, undamaged and in time. See `capelet_fuzz::targets::receipt`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::receipt::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    capelet_fuzz::mutate_cbor(data, size, max_size, seed)
});
