//! `/init`. Its arguments and environment are the command line's, and are not looked at.

#![forbid(unsafe_code)]

use nix::sys::reboot::{RebootMode, reboot};
use nix::unistd::getpid;
use std::process::ExitCode;

fn main() -> ExitCode {
    if getpid().as_raw() != 1 {
        eprintln!("capelet-pid1: starts an enclave, and only as its PID 1");
        return ExitCode::FAILURE;
    }
    let Err(error) = capelet_pid1::boot::boot();
    eprintln!("capelet-pid1: {error:?}");
    // A restart is the end of an enclave. Should it fail, so does this process, and the kernel panics and restarts.
    let _ = reboot(RebootMode::RB_AUTOBOOT);
    ExitCode::FAILURE
}
