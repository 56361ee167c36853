//! `/init` of the enclave. The kernel takes its arguments and environment from the command line; it ignores both.

#![forbid(unsafe_code)]

use nix::sys::reboot::{RebootMode, reboot};
use nix::unistd::getpid;
use std::io::{Write as _, stderr};
use std::process::ExitCode;

fn main() -> ExitCode {
    if getpid().as_raw() != 1 {
        note("this program only runs as PID 1 of an enclave");
        return ExitCode::FAILURE;
    }
    let Err(error) = capelet_pid1::boot::boot();
    note(&error.to_string());
    // A restart ends the enclave. If it fails, this process exits, and then the kernel panics and restarts.
    let _ = reboot(RebootMode::RB_AUTOBOOT);
    ExitCode::FAILURE
}

/// Prints a line on the console. If that fails, the machine is restarted all the same.
fn note(line: &str) {
    let _ = stderr().write_all(format!("capelet-pid1: {line}\n").as_bytes());
}
