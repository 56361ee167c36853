//! The four services of the parent.
//!
//! [`service`] says what a service is. [`accept`] runs one. Each other file is one service: [`client`] relays clients
//! to the enclave, [`storage`] answers the enclave's operations, [`kms`] relays the enclave to KMS, and [`heartbeat`]
//! answers the byte that an enclave sends when it has booted.

pub(crate) mod accept;
pub(crate) mod client;
pub(crate) mod heartbeat;
pub(crate) mod kms;
pub(crate) mod service;
pub(crate) mod storage;
