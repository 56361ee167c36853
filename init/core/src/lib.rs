//! The core's process: drivers around `enclave-core`, which decides everything.
//!
//! 1. Descriptors, not paths: 0 is the socket to PID 1, 1 the NSM, 2 the console; the root is empty.
//! 2. One thread a session, at most [`serve::MAX_SESSIONS`]; every read and write has a deadline.
//! 3. What cannot be done at boot ends the process, and with it the enclave: nothing runs on half-broken.
//! 4. Nothing secret is logged; the console is the parent's to read.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod boot;
pub mod kms;
pub mod nsm;
pub mod parent;
pub mod platform;
pub mod random;
pub mod recipient;
pub mod serve;
pub mod tls;
pub mod transport;
pub mod worker;

pub use boot::{Failure, Settings, run};
