//! An encrypted stream opens only if it is complete and undamaged. See `capelet_fuzz::targets::stream`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::stream::check(data));
