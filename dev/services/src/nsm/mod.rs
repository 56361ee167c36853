//! The development NSM: the requests of the Nitro Security Module, its PCRs, limits and error codes. Its documents are
//! signed like those of AWS, but under a root of its own.
//!
//! One [`Nsm`] is one enclave: it has one bank of PCRs and one module id. An enclave reaches it over a Unix socket
//! ([`serve()`]) instead of `/dev/nsm`. The CBOR inside is the same (crate `aws-nitro-enclaves-nsm-api`).

mod chain;
mod document;
mod pcr;
mod root;
mod security_module;
mod serve;

pub use pcr::Measured;
pub use root::Root;
pub use security_module::{Faults, Nsm};
pub use serve::serve;
