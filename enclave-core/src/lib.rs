//! The enclave's core: everything that parses, seals, verifies or decides.
//!
//! 1. No I/O. Bytes come in as slices and go out as vectors. What only an operating system can do is asked of a
//!    [`Platform`](platform::Platform), and each of its answers is hostile until it is parsed.
//! 2. One way to do a thing: one CBOR reader, one stream format, one predicate for who may do what.
//! 3. A check that was made is a type (`VerifiedRequest`, `StoredObject`, `AuthorisedRun`, `Verified`). Nothing reaches
//!    a handler without it, and no option turns a check off.
//! 4. A handler reads from top to bottom. Threads, locks and time limits are the platform's.
//! 5. Everything from outside has a limit before it is read, and no input panics.
//! 6. Plaintext and keys are zeroized when dropped, and never printed.
//!
//! The folders, from the bottom up:
//!
//! | folder | what |
//! |---|---|
//! | [`encoding`] | CBOR, COSE, DER, text forms, frames |
//! | [`crypto`] | HPKE, the stream, key derivation, digests; the rest is injected |
//! | [`attestation`] | documents, claims, and for clients their verification |
//! | [`identity`] | owners, their records, authorization |
//! | [`kms`] | KMS: its calls, its messages, the state of a key |
//! | [`objects`] | functions, stored objects, encrypted files, statements, receipts |
//! | [`messages`] | hello, requests, responses; one file for each verb |
//! | [`parent`] | operations of the parent, and its answers |
//! | [`state`] | what sessions share: clock, replay window, caches, reserved memory |
//! | [`session`] | handshake, exchange, handlers |
//!
//! The feature `outside` adds what no enclave runs: the sides of clients, senders and the parent. `docs/protocol.md`
//! defines the bytes.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod redacted;

pub mod attestation;
mod boot;
mod configuration;
pub mod crypto;
pub mod encoding;
mod error;
pub mod identity;
pub mod kms;
pub mod messages;
pub mod objects;
pub mod parent;
pub mod platform;
pub mod session;
pub mod state;
mod time;
mod types;

pub use boot::Boot;
pub use configuration::{
    CONFIGURATION_PCR, Configuration, Deployers, Limits, MAX_BUNDLE, MAX_CONFIGURATION, MAX_DEPLOYERS, pcr16,
};
#[cfg(feature = "outside")]
pub use error::Fault;
pub use error::{Error, MessageKind, TransportError};
pub use time::UnixMillis;
pub use types::{
    Checksum, ClaimsDigest, Commitment, DataKey, Deadline, KeyShare, Kid, Nonce, ObjectId, OwnerKey, Pcr, ReceiptKey,
    RequestDigest, RequestId, Salt,
};
