//! The client: deploys functions to an attested enclave, encrypts to vaults, runs the one on the other.
//!
//! 1. Nothing is sent before the enclave has proved to be an image that its user pinned; no owner, function or vault
//!    is named before.
//! 2. Nobody is asked who somebody is: names are this person's own, keys are compared.
//! 3. What was seen is remembered; less is refused.
//! 4. Each step that another party sees is written down before it is taken, so that an interruption loses nothing.
//! 5. Every failure has a stable code and a sentence that says what to do.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line, a thin layer over the rest |
//! | [`home`] | what is kept: identity, trust, contacts, catalogue, what was seen |
//! | [`url`], [`transport`], [`session`] | from an address to an attested session |
//! | [`folder`], [`fault`], [`deploy`], [`run`], [`listing`] | functions |
//! | [`vault`], [`statements`], [`policy`], [`encrypt`] | vault keys, and what others encrypt to them |
//! | [`receipts`], [`evidence`], [`measurements`], [`pins`] | judging offline |
//! | [`export`] | an identity in a file |

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod advice;
pub mod cli;
pub mod clock;
pub mod deploy;
pub mod encrypt;
pub mod error;
pub mod evidence;
pub mod export;
pub mod fault;
pub mod files;
pub mod folder;
pub mod home;
pub mod interrupt;
pub mod listing;
pub mod measurements;
pub mod pins;
pub mod policy;
pub mod random;
pub mod receipts;
pub mod run;
pub mod session;
pub mod statements;
pub mod transport;
pub mod url;
pub mod values;
pub mod vault;

pub use error::Error;

/// The cryptography that the core has injected.
pub type Crypto = enclave_core_aws_lc::AwsLc;
