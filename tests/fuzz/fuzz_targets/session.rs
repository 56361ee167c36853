//! A session answers every signed request as the protocol promises. See `capelet_fuzz::targets::session`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::session::check(data));
