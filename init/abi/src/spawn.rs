//! Workers: the core asks PID 1 for one, and PID 1 reports how it ended.

use core::fmt;

/// The most workers at a time. The core waits until fewer are running. PID 1 answers one request more with
/// [`ExitReason::NotStarted`].
pub const MAX_WORKERS: usize = 8;
/// Length of a [`Spawn`] message, in bytes.
pub const SPAWN_LEN: usize = 24;
/// Length of a [`WorkerExit`] message, in bytes.
pub const WORKER_EXIT_LEN: usize = 16;

const SPAWN_MAGIC: [u8; 4] = *b"CPS1";
const WORKER_EXIT_MAGIC: [u8; 4] = *b"CPE1";

/// The core's request for a worker. The message carries one descriptor (`SCM_RIGHTS`): the worker's end of a Unix
/// stream socketpair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spawn {
    /// The core's number for this run.
    pub job: u64,
    /// The time limit in milliseconds. PID 1 starts to count when it receives the message, and then kills the worker.
    pub deadline: u32,
    /// The limit of the worker's address space, in bytes.
    pub memory: u64,
}

/// PID 1's message that a worker has ended. PID 1 has already reaped the worker, or could not start it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerExit {
    /// The number from [`Spawn`].
    pub job: u64,
    /// Why the worker ended.
    pub reason: ExitReason,
}

/// Why a worker ended, as PID 1 saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Signalled(u8),
    /// PID 1 killed it at its deadline.
    Deadline,
    /// PID 1 could not start it.
    NotStarted,
}

impl Spawn {
    /// The limit of the worker's processor time, in seconds. A worker has one thread, so the deadline comes first. The
    /// limit ends the worker if PID 1 is late.
    pub fn processor_seconds(self) -> u64 {
        u64::from(self.deadline.div_ceil(1000)) + 1
    }

    /// Encodes the message: magic ‖ u64be job ‖ u32be deadline ‖ u64be memory.
    pub fn to_bytes(self) -> [u8; SPAWN_LEN] {
        let mut bytes = [0; SPAWN_LEN];
        bytes[..4].copy_from_slice(&SPAWN_MAGIC);
        bytes[4..12].copy_from_slice(&self.job.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.deadline.to_be_bytes());
        bytes[16..].copy_from_slice(&self.memory.to_be_bytes());
        bytes
    }

    /// Parses the message. Returns `None` if the length or the magic is wrong. PID 1 then ends the enclave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SPAWN_LEN] = bytes.try_into().ok()?;
        let [m0, m1, m2, m3, rest @ ..] = *bytes;
        let (job, rest) = rest.split_first_chunk()?;
        let (deadline, rest) = rest.split_first_chunk()?;
        ([m0, m1, m2, m3] == SPAWN_MAGIC).then_some(Self {
            job: u64::from_be_bytes(*job),
            deadline: u32::from_be_bytes(*deadline),
            memory: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

impl WorkerExit {
    /// Encodes the message: magic ‖ u64be job ‖ reason ‖ value ‖ 0 ‖ 0. The value is the status or the signal, else 0.
    pub fn to_bytes(self) -> [u8; WORKER_EXIT_LEN] {
        let (reason, value) = match self.reason {
            ExitReason::Exited(status) => (0, status),
            ExitReason::Signalled(signal) => (1, signal),
            ExitReason::Deadline => (2, 0),
            ExitReason::NotStarted => (3, 0),
        };
        let mut bytes = [0; WORKER_EXIT_LEN];
        bytes[..4].copy_from_slice(&WORKER_EXIT_MAGIC);
        bytes[4..12].copy_from_slice(&self.job.to_be_bytes());
        bytes[12] = reason;
        bytes[13] = value;
        bytes
    }

    /// Parses the message. Returns `None` if the length or the magic is wrong, the reason unknown, or a byte that must
    /// be 0 is not.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; WORKER_EXIT_LEN] = bytes.try_into().ok()?;
        let [m0, m1, m2, m3, rest @ ..] = *bytes;
        let (job, [reason, value, 0, 0]) = rest.split_first_chunk()? else { return None };
        let reason = match (reason, value) {
            (0, status) => ExitReason::Exited(*status),
            (1, signal) => ExitReason::Signalled(*signal),
            (2, 0) => ExitReason::Deadline,
            (3, 0) => ExitReason::NotStarted,
            _ => return None,
        };
        ([m0, m1, m2, m3] == WORKER_EXIT_MAGIC).then_some(Self { job: u64::from_be_bytes(*job), reason })
    }
}

impl fmt::Display for ExitReason {
    /// The predicate of a sentence whose subject is the process.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Signalled(signal) => write!(f, "was killed by signal {signal}"),
            Self::Deadline => f.write_str("exceeded its deadline"),
            Self::NotStarted => f.write_str("could not be started"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        let spawn = Spawn { job: 7, deadline: 60_000, memory: 1 << 28 };
        assert_eq!(Spawn::from_bytes(&spawn.to_bytes()), Some(spawn));
        for reason in [ExitReason::Exited(3), ExitReason::Signalled(9), ExitReason::Deadline, ExitReason::NotStarted] {
            let exit = WorkerExit { job: u64::MAX, reason };
            assert_eq!(WorkerExit::from_bytes(&exit.to_bytes()), Some(exit));
        }
    }

    #[test]
    fn rejects_wrong_lengths_magics_and_values() {
        let spawn = Spawn { job: 7, deadline: 60_000, memory: 1 << 28 }.to_bytes();
        assert_eq!(Spawn::from_bytes(&spawn[..23]), None);
        assert_eq!(WorkerExit::from_bytes(&spawn), None);
        let mut other = spawn;
        other[0] ^= 1;
        assert_eq!(Spawn::from_bytes(&other), None);
        let exit = WorkerExit { job: 1, reason: ExitReason::Deadline }.to_bytes();
        for (at, value) in [(12, 4), (13, 1), (14, 1), (15, 1)] {
            let mut other = exit;
            other[at] = value;
            assert_eq!(WorkerExit::from_bytes(&other), None, "byte {at}");
        }
    }
}
