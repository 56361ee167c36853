//! The messages between the core, PID 1 and the worker.
//!
//! - An accepted job header, spawn request, worker exit, frame head or worker report is encoded to the same bytes.
//! - The address space of a job is at least the memory that the core reserves for it, which is at least its memory
//!   limit.

use capelet_abi::{
    Frame, JobHeader, OUTCOME_HEAD_LEN, Spawn, WORKER_REPORT_LEN, WorkerExit, WorkerReport, worker_memory,
};

/// The input is a job header, a spawn request, a worker exit, or a frame head that a worker report follows.
pub fn check(data: &[u8]) {
    if let Some(header) = JobHeader::from_bytes(data) {
        let bytes = header.to_bytes().expect("an accepted header can be encoded");
        assert_eq!(bytes.split_first_chunk(), Some((&(data.len() as u32).to_be_bytes(), data)));
        let data = header.files.iter().fold(header.input, |sum, (_, length)| sum.saturating_add(u64::from(*length)));
        let reserved = worker_memory(header.limits.memory, header.module as usize, data as usize);
        assert!((header.limits.memory..=header.address_space()).contains(&reserved));
    }
    if let Some(spawn) = Spawn::from_bytes(data) {
        assert_eq!(spawn.to_bytes(), data);
    }
    if let Some(exit) = WorkerExit::from_bytes(data) {
        assert_eq!(exit.to_bytes(), data);
    }
    if let Some((head, rest)) = data.split_first_chunk::<OUTCOME_HEAD_LEN>() {
        if let Some((frame, length)) = Frame::parse(*head) {
            assert_eq!(frame.head(length), Some(*head));
        }
        if let Some(report) = rest.first_chunk::<WORKER_REPORT_LEN>().and_then(|bytes| WorkerReport::from_bytes(*bytes))
        {
            assert_eq!(report.to_bytes(), rest[..WORKER_REPORT_LEN]);
        }
    }
}
