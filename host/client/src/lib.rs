//! The client: deploys functions to an attested enclave, encrypts data to vaults, and runs functions on that data.
//!
//! 1. The client sends nothing before the enclave has proved that it runs a pinned image. It names no owner, function
//!    or vault before that.
//! 2. No other party is asked to whom a key belongs. Names are the user's own, and keys are compared.
//! 3. The client remembers the highest versions and epochs that it has seen, and rejects lower ones.
//! 4. A key share goes only to the image that sealed its object, as the client itself has recorded it.
//! 5. Each step that another party sees is recorded before it is taken, so that an interruption loses nothing.
//! 6. Every failure has a stable code and a sentence that says what to do.
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line, a thin layer over the rest |
//! | [`home`] | the user's files: identity, trust, contacts, catalogue, highest epochs seen |
//! | [`url`], [`transport`], [`session`] | from an address to an attested session |
//! | [`activity`], [`retry`] | what a session is doing, and what may be repeated |
//! | [`wrong_image`] | objects whose key shares the session's image must not receive |
//! | [`folder`], [`bundle_error`], [`deploy`], [`inputs`], [`run`], [`listing`] | functions |
//! | [`vault`], [`vault_key`], [`statements`], [`encrypt`] | vault keys, and encryption to them |
//! | [`policy`], [`key_change`] | the texts of KMS keys, and what the owner accepts of them |
//! | [`learn`] | what a machine without state learns from the owner's own statements |
//! | [`receipts`], [`evidence`], [`measurements`], [`pins`] | offline verification |
//! | [`export`] | an identity in a file that a passphrase protects |
//! | [`values`], [`root_id`], [`clock`] | text forms of bytes and times, the name of a root |

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod activity;
pub mod address;
pub mod bundle_error;
mod busy_line;
pub mod cli;
pub mod clock;
pub mod deploy;
pub mod doctor;
pub mod encrypt;
pub mod error;
mod error_text;
pub mod evidence;
pub mod export;
pub mod files;
pub mod folder;
pub mod home;
pub mod inputs;
pub mod key_change;
mod large_buffer;
pub mod learn;
pub mod listing;
pub mod measurements;
pub mod passphrase;
pub mod pins;
pub mod policy;
pub mod random;
pub mod receipts;
pub mod retry;
pub mod root_id;
pub mod run;
#[cfg(test)]
mod sample;
pub mod session;
pub mod statements;
pub mod transport;
pub mod url;
pub mod values;
pub mod vault;
pub mod vault_key;
pub mod wrong_image;

/// The cryptography that `enclave-core` uses in this program.
pub type Crypto = enclave_core_aws_lc::AwsLc;
