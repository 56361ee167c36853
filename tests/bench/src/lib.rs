//! An enclave on this machine and an owner with a function, for what measures.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod place;

pub use place::{Place, identity, input};
