//! Lines for whoever operates the enclave, on its console.

use std::io::{Write as _, stderr};

/// Prints a line on standard error. If that fails, the line is lost and nothing else happens: `eprintln!` would end the
/// core.
pub fn note(line: &str) {
    let _ = stderr().write_all(format!("{line}\n").as_bytes());
}
