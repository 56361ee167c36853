//! PID 1 of the enclave.
//!
//! 1. PID 1 starts the core and the workers, and ends them. It holds no key. It parses no bytes from outside: only the
//!    kernel's command line and the core's messages, which have a fixed length ([`supervisor`]).
//! 2. PID 1 checks every step. If one fails, it prints the reason on the console and restarts the machine, which ends
//!    the enclave. The enclave never continues after a failed step, and nobody gets a shell.
//! 3. PID 1 has one thread and no signal handlers. Every wait is a `poll` whose timeout is the next deadline.
//! 4. A program starts in an empty read-only root, in its own namespaces and as its own user. It has no capabilities,
//!    and the kernel kills it if it makes a system call that is not on its list ([`core_process`], [`worker_process`]).
//!    It never runs beside another program on two threads of one physical core (`isolation`).
//! 5. Only [`sys`] contains unsafe code.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod boot;
mod cmdline;
pub mod core_process;
mod error;
mod heartbeat;
mod isolation;
pub mod mounts;
mod program;
mod seccomp;
pub mod supervisor;
pub mod sys;
pub mod worker_process;

pub use error::Error;
