//! What stands in for AWS on one's own desk, and for the enemy: the development NSM, the development KMS, a
//! recording proxy, a tampering one, an adversary. There is no other software NSM and no other KMS emulator.
//!
//! 1. Nothing is constant where the real thing computes: PCRs come from the bytes that run, documents are signed
//!    under a chain, KMS checks the chain, the age and the key's policy, CMS is made by the `openssl` program.
//! 2. Whatever it makes says DEVELOPMENT. No product trusts its roots unless a person names them.
//! 3. It shares no code with what it tests: neither the core's reader, nor its verifier, nor its encoder.
//! 4. Loopback and Unix sockets only.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adversary;
mod authority;
mod clock;
mod error;
mod frame;
pub mod kms;
pub mod net;
pub mod nsm;
mod process;
pub mod proxy;
pub mod service;
pub mod tamper;

pub use clock::Clock;
pub use error::Error;
pub use process::{announce, exit, wait};
