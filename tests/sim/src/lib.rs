//! The enclave's core under a deterministic scheduler. One seed decides every interleaving and every fault, so a failing
//! seed is a complete bug report.
//!
//! 1. Sessions and clients run on threads. Only the thread that has the turn runs. A thread passes the turn on at every
//!    call of the platform, at every write to a pipe, and at every read that must wait ([`scheduler`]).
//! 2. Every decision comes from one stream of pseudo-random numbers ([`prng`]). The scheduler owns the clock. Documents,
//!    certificates, wrapped keys and CMS messages do not depend on the seed, so no trace contains them.
//! 3. The NSM and KMS are those of `capelet-dev`, in this process. The core is the one that ships.
//! 4. Any call can fail ([`faults`]). For each fault, [`oracle`] lists the outcomes that a client may see.
//! 5. The [`crypto`] ledger records every (key, nonce) pair that seals. A repeated pair fails the run.
//!
//! From the bottom up: [`world`] and [`run`] hold what a seed needs; [`enclave`] boots the core over a [`platform`];
//! [`client`], [`verbs`] and [`vault`] are a client made of the core's own types; [`actor`], [`program`] and [`audit`]
//! are the people of a simulated run; [`simulation`] runs a seed.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod actor;
pub mod audit;
pub mod client;
pub mod crypto;
pub mod enclave;
pub mod faults;
pub mod kms;
pub mod oracle;
pub mod parent;
pub mod person;
pub mod pipe;
pub mod platform;
pub mod prng;
pub mod program;
pub mod request;
pub mod run;
pub mod scheduler;
pub mod simulation;
pub mod store;
pub mod vault;
pub mod verbs;
pub mod worker;
pub mod world;
