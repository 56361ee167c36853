//! Development services: a Nitro Security Module (NSM), a KMS, a recording proxy, a tampering proxy and an adversary.
//!
//! They stand in for AWS and for a hostile parent on a developer's machine.
//!
//! 1. **Nothing is constant where the real service computes.** PCRs come from the bytes that run. Documents are signed
//!    under a certificate chain. KMS checks the chain, the age of a document and the key's policy. The program
//!    `openssl` makes CMS.
//! 2. **Everything that they make says DEVELOPMENT.** No product trusts these roots unless a person names them.
//! 3. **No code is shared with what is tested**: neither the core's reader, nor its verifier, nor its encoder.
//! 4. **Loopback and Unix sockets only.**
//!
//! A KMS in this process, and a key in it that only the image with one PCR0 can use:
//!
//! ```no_run
//! # fn main() -> Result<(), capelet_dev::Error> {
//! use capelet_dev::Address;
//! use capelet_dev::kms::{ADMINISTRATOR, Client, Kms, sealed_policy};
//! use std::sync::Arc;
//!
//! let state = std::path::Path::new("/tmp/development-kms");
//! let kms = Arc::new(Kms::open(state, Vec::new())?);
//! let service = kms.serve("127.0.0.1:0".parse::<Address>()?.listen()?)?;
//! let root = std::fs::read(Kms::root_path(state))?;
//! let client = Client::new(service.address(), &root, "eu-central-1", &ADMINISTRATOR)?;
//! let policy = sealed_policy(&[0xab; 48]);
//! let body = serde_json::json!({ "Policy": policy, "BypassPolicyLockoutSafetyCheck": true });
//! let key = client.call("CreateKey", &body)?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adversary;
mod authority;
mod clock;
mod cose;
mod date;
mod error;
mod frame;
pub mod kms;
mod net;
pub mod nsm;
mod private_files;
mod process;
pub mod proxy;
mod service;
pub mod tamper;

pub use clock::Clock;
pub use error::Error;
pub use net::{Address, Listener, Stream};
pub use process::{announce, main, wait};
pub use service::Service;
