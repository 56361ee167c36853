//! Compressed data expands to the original, and nothing expands beyond the limit. See `capelet_fuzz::targets::gzip`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::gzip::check(data));
