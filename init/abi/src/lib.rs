//! The contract between core, PID 1 and worker. No dependencies: PID 1's and the worker's trees stay small.
//!
//! - [`spawn`]: core → PID 1 and back, over a `SOCK_SEQPACKET` socket, fixed-size messages without strings. A
//!   [`spawn::Spawn`] carries one descriptor (`SCM_RIGHTS`), the worker's end of a socketpair.
//! - [`job`]: core → worker over that socketpair: a header that gives every length, then the bytes.
//! - [`outcome`]: worker → core: frames of output, then how it ended. The core trusts none of it beyond this run.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;

pub mod job;
pub mod outcome;
pub mod spawn;
