//! `/init` of the enclave. The kernel takes its arguments and environment from the command line; it ignores both.

#![forbid(unsafe_code)]

use nix::sys::reboot::{RebootMode, reboot};
use nix::unistd::getpid;
use std::process::ExitCode;

fn main() -> ExitCode {
    if getpid().as_raw() != 1 {
        eprintln!("capelet-pid1: this program only runs as PID 1 of an enclave");
        return ExitCode::FAILURE;
    }
    let Err(error) = capelet_pid1::boot::boot();
    eprintln!("capelet-pid1: {error}");
    // A restart ends the enclave. If it fails, this process exits, and then the kernel panics and restarts.
    let _ = reboot(RebootMode::RB_AUTOBOOT);
    ExitCode::FAILURE
}
