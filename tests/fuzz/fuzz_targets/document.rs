//! An attestation document is verified only if the pinned root's chain signed exactly its content.
//! See `capelet_fuzz::targets::document`.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::document::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    capelet_fuzz::mutate_cbor(data, size, max_size, seed)
});
