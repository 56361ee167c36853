//! A CMS message that is accepted has no content besides the fields that are read. See `capelet_fuzz::targets::cms`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::cms::check(data));
