//! PID 1 of the enclave.
//!
//! 1. It starts the core and the workers and ends them. It holds no key and parses nothing that comes from outside:
//!    one fixed line of the kernel's, and fixed-size messages of the core's ([`supervise`]).
//! 2. Every step is checked. What fails is named on the console, and the machine restarts, which ends the enclave:
//!    nothing runs on half-broken, and nobody gets a shell.
//! 3. One thread, no signal handlers: every wait is a `poll` with the next deadline as its timeout.
//! 4. A program starts in an empty read-only root, in namespaces and under a user of its own, without capabilities,
//!    behind a list of the system calls that it may make ([`child`], [`seccomp`], [`core`], [`worker`]).
//! 5. Unsafe code stands in [`sys`] alone.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod boot;
pub mod child;
pub mod cmdline;
pub mod core;
pub mod error;
pub mod heartbeat;
pub mod mounts;
pub mod seccomp;
pub mod supervise;
pub mod sys;
pub mod worker;

pub use error::Error;
