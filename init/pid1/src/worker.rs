//! The worker: one function, one run, one socket.

use crate::Error;
use crate::child::Program;
use crate::seccomp::Rule;
use crate::sys::Child;
use capelet_abi::spawn::Spawn;
use nix::libc::*;
use nix::sys::resource::Resource;
use std::os::fd::{AsFd as _, OwnedFd};

/// The first worker's user; each run has the next, so that no limit or signal reaches from one run into another. The
/// first comes again after 2³⁰ runs.
const FIRST_USER: u32 = 0x0001_0000;

const RULES: &[Rule] = &[
    // Its socket; and what it gives up by itself.
    Rule::Allow(&[SYS_read, SYS_close_range]),
    Rule::If(SYS_prctl, 0, u32::MAX, PR_SET_NO_NEW_PRIVS.cast_unsigned()),
];

/// Opens the worker's program. Its network namespace is its own and empty. (vsock is in it all the same: what keeps a
/// worker from the parent and from the NSM is the list of calls.)
pub fn open(path: &'static str, root: &'static str) -> Result<Program, Error> {
    Program::open(path, root, CLONE_NEWNET, RULES)
}

/// Starts run number `run` with `socket` as its descriptors 0, 1 and 2.
pub fn start(program: &Program, run: u32, spawn: &Spawn, socket: &OwnedFd) -> Result<Child, Error> {
    let limits = [
        (Resource::RLIMIT_AS, spawn.memory),
        // One thread uses less than the time that passes; this holds should PID 1 be late. Soft = hard, because the
        // first process of a namespace does not hear the soft limit's signal.
        (Resource::RLIMIT_CPU, u64::from(spawn.deadline.div_ceil(1000)) + 1),
        // Itself.
        (Resource::RLIMIT_NPROC, 1),
        // 0, 1 and 2.
        (Resource::RLIMIT_NOFILE, 3),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
    ];
    program.start(FIRST_USER + run % (1 << 30), &limits, [socket.as_fd(); 3])
}
