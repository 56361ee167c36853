//! Text that is accepted is the encoding of the bytes that it is decoded to. See `capelet_fuzz::targets::text`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::text::check(data));
