//! Core → PID 1: start a worker; PID 1 → core: it ended.

/// Size of a [`Spawn`] on the socket, in bytes.
pub const SPAWN_LEN: usize = 24;
/// Size of an [`Ended`] on the socket, in bytes.
pub const ENDED_LEN: usize = 16;

const SPAWN_MAGIC: [u8; 4] = *b"CPS1";
const ENDED_MAGIC: [u8; 4] = *b"CPE1";

/// Asks PID 1 for a worker; the message carries its one descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spawn {
    /// The core's number for this run.
    pub job: u64,
    /// After so many milliseconds the worker is killed.
    pub deadline: u32,
    /// Address space that it may have, in bytes.
    pub memory: u64,
}

/// Tells the core that a worker is gone; PID 1 has reaped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The number from [`Spawn`].
    pub job: u64,
    /// How it ended.
    pub how: How,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Signalled(u8),
    /// Killed at its deadline.
    Deadline,
    /// It could not be started.
    NotStarted,
}

impl Spawn {
    /// magic ‖ u64be job ‖ u32be deadline ‖ u64be memory.
    pub fn to_bytes(self) -> [u8; SPAWN_LEN] {
        let mut bytes = [0; SPAWN_LEN];
        bytes[..4].copy_from_slice(&SPAWN_MAGIC);
        bytes[4..12].copy_from_slice(&self.job.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.deadline.to_be_bytes());
        bytes[16..].copy_from_slice(&self.memory.to_be_bytes());
        bytes
    }

    /// None if it is not a spawn message: PID 1 then ends the machine.
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

impl Ended {
    /// magic ‖ u64be job ‖ how ‖ value ‖ 0 ‖ 0.
    pub fn to_bytes(self) -> [u8; ENDED_LEN] {
        let (how, value) = match self.how {
            How::Exited(status) => (0, status),
            How::Signalled(signal) => (1, signal),
            How::Deadline => (2, 0),
            How::NotStarted => (3, 0),
        };
        let mut bytes = [0; ENDED_LEN];
        bytes[..4].copy_from_slice(&ENDED_MAGIC);
        bytes[4..12].copy_from_slice(&self.job.to_be_bytes());
        bytes[12] = how;
        bytes[13] = value;
        bytes
    }

    /// None if it is not such a message.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ENDED_LEN] = bytes.try_into().ok()?;
        let [m0, m1, m2, m3, rest @ ..] = *bytes;
        let (job, [how, value, 0, 0]) = rest.split_first_chunk()? else { return None };
        let how = match (how, value) {
            (0, status) => How::Exited(*status),
            (1, signal) => How::Signalled(*signal),
            (2, 0) => How::Deadline,
            (3, 0) => How::NotStarted,
            _ => return None,
        };
        ([m0, m1, m2, m3] == ENDED_MAGIC).then_some(Self { job: u64::from_be_bytes(*job), how })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let spawn = Spawn { job: 7, deadline: 60_000, memory: 1 << 28 };
        assert_eq!(Spawn::from_bytes(&spawn.to_bytes()), Some(spawn));
        for how in [How::Exited(3), How::Signalled(9), How::Deadline, How::NotStarted] {
            let ended = Ended { job: u64::MAX, how };
            assert_eq!(Ended::from_bytes(&ended.to_bytes()), Some(ended));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let spawn = Spawn { job: 7, deadline: 60_000, memory: 1 << 28 }.to_bytes();
        assert_eq!(Spawn::from_bytes(&spawn[..23]), None);
        assert_eq!(Ended::from_bytes(&spawn), None);
        let mut other = spawn;
        other[0] ^= 1;
        assert_eq!(Spawn::from_bytes(&other), None);
        let ended = Ended { job: 1, how: How::Deadline }.to_bytes();
        for (at, value) in [(12, 4), (13, 1), (14, 1), (15, 1)] {
            let mut other = ended;
            other[at] = value;
            assert_eq!(Ended::from_bytes(&other), None, "byte {at}");
        }
    }
}
