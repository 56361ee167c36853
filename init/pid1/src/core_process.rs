//! The core as a process: its program, user, limits and system calls.
//!
//! The core holds all keys. It connects to the parent, uses the NSM, and asks PID 1 for workers.

use crate::Error;
use crate::program::{Descriptors, Program};
use crate::seccomp::Rule;
use crate::sys::Child;
use nix::errno::Errno;
use nix::libc::*;
use nix::sys::resource::Resource;

/// The core's user.
const USER: u32 = 1000;

/// The descriptors suffice for 64 sessions, each with a connection to the parent or to KMS and a worker's socket.
const LIMITS: [(Resource, u64); 4] = [
    (Resource::RLIMIT_NOFILE, 1024),
    (Resource::RLIMIT_NPROC, 256),
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_FSIZE, 0),
];

/// The flags of `clone` that `pthread_create` sets: `CLONE_VM`, `FS`, `FILES`, `SIGHAND`, `THREAD`, `SYSVSEM`,
/// `SETTLS`, `PARENT_SETTID`, `CHILD_CLEARTID`. Such a thread shares everything with the others and enters no new
/// namespace.
const THREAD: u32 = 0x003D_0F00;

/// The NSM's only request: `_IOWR(0x0A, 0, struct nsm_raw)`. The structure has 32 bytes.
const NSM_REQUEST: u32 = 0xC020_0A00;

#[rustfmt::skip]
const RULES: &[Rule] = &[
    // Threads. A filter cannot read the flags of clone3. If clone3 fails, the C library calls clone.
    Rule::Refuse(SYS_clone3, Errno::ENOSYS),
    Rule::If(SYS_clone, 0, u32::MAX, THREAD),
    Rule::If(SYS_prctl, 0, u32::MAX, PR_SET_NAME.cast_unsigned()),
    Rule::Allow(&[SYS_futex, SYS_madvise, SYS_sched_yield, SYS_exit]),
    // Connections from and to the parent.
    Rule::If(SYS_socket, 0, u32::MAX, AF_VSOCK.cast_unsigned()),
    Rule::Allow(&[SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_recvfrom, SYS_sendto, SYS_shutdown]),
    Rule::If(SYS_setsockopt, 2, u32::MAX, SO_RCVTIMEO.cast_unsigned()),
    Rule::If(SYS_setsockopt, 2, u32::MAX, SO_SNDTIMEO.cast_unsigned()),
    // Sockets to PID 1 and to workers.
    Rule::If(SYS_socketpair, 0, u32::MAX, AF_UNIX.cast_unsigned()),
    Rule::Allow(&[SYS_sendmsg]),
    Rule::If(SYS_fcntl, 1, u32::MAX, F_DUPFD_CLOEXEC.cast_unsigned()),
    // How much memory the machine has.
    Rule::Allow(&[SYS_sysinfo]),
    // The NSM.
    Rule::If(SYS_ioctl, 1, u32::MAX, NSM_REQUEST),
];

/// Opens the core's program. It stays in the machine's network namespace, because only there it can reach the parent.
///
/// # Errors
///
/// [`Error::File`] if the program cannot be opened.
pub fn open(path: &'static str, root: &'static str) -> Result<Program, Error> {
    Program::open(path, root, 0, RULES)
}

/// Starts the core. Its descriptors 0, 1 and 2 are PID 1's socket, the NSM and the console.
///
/// # Errors
///
/// [`Error::Fork`] if no process could be created, [`Error::NotStarted`] if the process could not become the program,
/// and [`Error::Step`] if PID 1 itself failed.
pub fn start(program: &Program, descriptors: Descriptors<'_>) -> Result<Child, Error> {
    program.start(USER, &LIMITS, descriptors)
}
