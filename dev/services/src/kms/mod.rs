//! The development KMS: the JSON protocol of AWS KMS over TLS, with key policies, grants and `Recipient`.
//!
//! Every request is verified. A request is signed with SigV4. A document is verified up to one of the NSM roots that
//! the KMS was started with. The program `openssl` makes the CMS for a recipient.
//!
//! Keys are in the state directory in plaintext (mode 0600): this is DEVELOPMENT.

mod attestation;
mod client;
mod cms;
mod emulator;
mod encryption;
mod grant;
mod grant_management;
mod http;
mod key;
mod key_management;
mod members;
mod policy;
mod principal;
mod refusal;
mod serve;
mod sigv4;
mod tls;

pub use client::Client;
pub use emulator::Kms;
pub use policy::sealed_policy;
pub use principal::{ADMINISTRATOR, PARENT, Principal, STRANGER};
pub use refusal::Refusal;
