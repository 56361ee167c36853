//! Helpers of the tests of the image: QEMU boots an image, a parent runs beside it, and a client uses it.
//!
//! `tests/image/run.sh` builds the images and sets the environment variables that name them.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod eif;
mod enclave;
mod environment;
pub mod hostile;
mod kms;
mod machine;
mod parent;

pub use enclave::{Enclave, NOWHERE, configure};
pub use environment::{checkout, development, measured, named, output, release};
pub use kms::Kms;
pub use machine::Machine;
pub use parent::Parent;
