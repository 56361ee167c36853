//! An archive that is accepted is what the writer encodes. See `capelet_fuzz::targets::cpio`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::cpio::check(data));
