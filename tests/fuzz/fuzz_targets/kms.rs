//! An answer from KMS is accepted only if another JSON parser reads the same values. See `capelet_fuzz::targets::kms`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::kms::check(data));
