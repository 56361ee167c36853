//! The enclave's core: everything that parses, seals, verifies or decides.
//!
//! 1. No I/O. Bytes come in as slices and go out as vectors; what only an operating system can do is asked of a
//!    [`platform::Platform`], and each of its answers is hostile until parsed.
//! 2. One way to do a thing: one CBOR reader, one stream format, one predicate for who may do what.
//! 3. A check that was made is a type (`Verified`, `Authorised`); nothing reaches the verbs without it, and no
//!    option turns one off.
//! 4. Straight lines. A verb reads from top to bottom; threads, locks and deadlines are the driver's.
//! 5. Everything from outside has a limit before it is read, and no input panics.
//! 6. Plaintext and keys are zeroized when dropped and never printed.
//!
//! Map: bytes ([`cbor`], [`stream`], [`seal`], [`bundle`], [`object`], [`vault`]), evidence ([`document`],
//! [`verify`], [`claims`], [`receipt`]), people ([`identity`], [`rights`]), conversation ([`hello`],
//! [`message`], [`session`], [`verbs`]), surroundings ([`platform`], [`parent`], [`kms`], [`cms`], [`config`]).
//! The bytes themselves are in `docs/protocol.md`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod arn;
pub mod boot;
pub mod bundle;
pub mod cbor;
pub mod chunks;
pub mod ciphertext;
pub mod claims;
pub mod cms;
pub mod config;
pub mod crypto;
mod der;
pub mod digest;
pub mod document;
pub mod error;
pub mod frame;
pub mod hello;
pub mod identity;
pub mod kdf;
pub mod keys;
pub mod kms;
pub mod message;
pub mod object;
pub mod parent;
pub mod platform;
pub mod receipt;
pub mod record;
pub mod rights;
pub mod seal;
pub mod session;
pub mod shared;
pub mod status;
pub mod stream;
pub mod text;
pub mod vault;
pub mod verbs;
pub mod verify;

pub use error::{Error, Fault, Part};
