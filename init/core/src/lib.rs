//! The core's process: a [`Platform`](enclave_core::platform::Platform) around `enclave-core`, which decides everything.
//!
//! 1. The process uses descriptors and never paths: 0 is the socket to PID 1, 1 the NSM, 2 the console. Its root is
//!    empty.
//! 2. Each session has one thread, and at most [`MAX_SESSIONS`] run at a time. Every read and write has a time limit.
//! 3. A step of the boot that fails ends the process, and with it the enclave.
//! 4. Nothing secret is logged, because the parent reads the console.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod boot;
mod enclave_platform;
mod key_pool;
mod kms_connection;
mod note;
mod nsm;
mod parent_client;
mod random;
mod serve;
mod sessions;
mod tls;
mod transport;
mod workers;

pub use boot::{BootError, Settings, run};
pub use kms_connection::AMAZON_ROOTS;
pub use note::note;
pub use nsm::{Device, Nsm};
pub use sessions::{MAX_SESSIONS, Place, Sessions};
pub use tls::{Tls, server_config};
pub use transport::{Listener, Socket, Transport};
