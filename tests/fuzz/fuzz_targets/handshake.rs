//! Without keys, only a valid hello is answered, with evidence about this hello.
//! See `capelet_fuzz::targets::handshake`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| capelet_fuzz::targets::handshake::check(data));
