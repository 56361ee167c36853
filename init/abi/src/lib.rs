//! The contract between core, PID 1, worker and parent: messages, limits, ports.
//!
//! The crate has no dependencies, because PID 1 and the worker have it in their trees.
//!
//! - Core and PID 1 exchange [`Spawn`] and [`WorkerExit`] over a `SOCK_SEQPACKET` socket. Both have a fixed length and
//!   no strings.
//! - The core sends a [`JobHeader`] to the worker over a socketpair, then the bytes whose lengths the header states.
//! - The worker answers with [`Frame`]s of output and one [`WorkerReport`].
//! - Core, PID 1 and parent use the same ports and the same heartbeat byte.
//!
//! Parsers return `None` for every input that the encoder does not produce.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;

mod heartbeat;
mod job;
mod outcome;
mod ports;
mod spawn;

pub use heartbeat::HEARTBEAT;
pub use job::{
    EntryPoint, INPUT_FOLDER, JobHeader, JobLimits, MAX_ARGUMENTS, MAX_FILES, MAX_INPUTS, MAX_JOB_HEADER, worker_memory,
};
pub use outcome::{Frame, MAX_DIAGNOSTIC, MAX_OUTCOME_FRAME, OUTCOME_HEAD_LEN, WORKER_REPORT_LEN, WorkerReport};
pub use ports::{CLIENT_PORT, HEARTBEAT_PORT, KMS_PORT, OPERATIONS_PORT, PARENT_CID};
pub use spawn::{ExitReason, MAX_WORKERS, SPAWN_LEN, Spawn, WORKER_EXIT_LEN, WorkerExit};
