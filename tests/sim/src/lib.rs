//! The core under a scheduler: every interleaving and every fault comes from a seed, and comes again from it.
//!
//! 1. Sessions and clients run on threads, of which only the one that holds the baton runs. It is handed on at every
//!    call of the platform, at every write to a pipe and at every read that has to wait ([`scheduler`]).
//! 2. What decides is one stream of numbers ([`prng`]); the time is the scheduler's. What is not of the seed, for it
//!    is made by others (documents, certificates, wrapped keys, CMS), is in no trace.
//! 3. The NSM and the KMS are those of `capelet-dev`, within this process; the core is the one that ships.
//! 4. A fault may come at any call ([`faults`]); for each it is written down what may then be seen ([`oracle`]).
//! 5. Every (key, nonce) that seals is remembered; none comes twice ([`crypto`]).

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod actor;
pub mod audit;
pub mod client;
pub mod crypto;
pub mod faults;
pub mod kms;
pub mod oracle;
pub mod parent;
pub mod pipe;
pub mod platform;
pub mod prng;
pub mod program;
pub mod run;
pub mod scheduler;
pub mod simulation;
pub mod store;
pub mod verbs;
pub mod world;
