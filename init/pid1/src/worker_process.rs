//! The worker as a process: its program, user, limits and system calls.
//!
//! A worker runs one function once, and has one socket.

use crate::Error;
use crate::program::Program;
use crate::seccomp::Rule;
use crate::sys::Child;
use capelet_abi::Spawn;
use nix::libc::*;
use nix::sys::resource::Resource;
use std::os::fd::{AsFd as _, OwnedFd};

/// The first worker's user. Each run has the next one, so that no limit and no signal of one run affects another. The
/// first user returns after 2³⁰ runs.
const FIRST_USER: u32 = 0x0001_0000;

const RULES: &[Rule] = &[
    // The worker reads from its socket, and closes and gives up what it does not need.
    Rule::Allow(&[SYS_read, SYS_close_range]),
    Rule::If(SYS_prctl, 0, u32::MAX, PR_SET_NO_NEW_PRIVS.cast_unsigned()),
];

/// Opens the worker's program. Its network namespace is new and empty. vsock does not belong to a network namespace:
/// the list of system calls keeps a worker from the parent and from the NSM.
///
/// # Errors
///
/// [`Error::File`] if the program cannot be opened.
pub fn open(path: &'static str, root: &'static str) -> Result<Program, Error> {
    Program::open(path, root, CLONE_NEWNET, RULES)
}

/// Starts run number `run`. `socket` is each of its descriptors 0, 1 and 2.
///
/// # Errors
///
/// [`Error::Fork`] if no process could be created, [`Error::NotStarted`] if the process could not become the program,
/// and [`Error::Step`] if PID 1 itself failed.
pub fn start(program: &Program, run: u32, spawn: &Spawn, socket: &OwnedFd) -> Result<Child, Error> {
    let limits = [
        (Resource::RLIMIT_AS, spawn.memory),
        // The hard limit must equal the soft one, because the first process of a namespace ignores the signal of the
        // soft limit.
        (Resource::RLIMIT_CPU, spawn.processor_seconds()),
        // The worker itself.
        (Resource::RLIMIT_NPROC, 1),
        // Descriptors 0, 1 and 2.
        (Resource::RLIMIT_NOFILE, 3),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
    ];
    program.start(FIRST_USER + run % (1 << 30), &limits, [socket.as_fd(); 3])
}
