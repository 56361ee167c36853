//! Frames that are read are what is written, and none exceeds the limit. See `capelet_fuzz::targets::frame`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::frame::check(data));
