//! How a run ended that was started. A receipt states this and nothing else: no status that means "nothing was started"
//! can be made of it.

use crate::error::{Error, TransportError};
use crate::messages::status::Status;

/// Why a run failed that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// The output is larger than allowed (the limit in bytes).
    OutputLimit(u64),
    /// The run took longer than allowed (the limit in milliseconds).
    TimeLimit(u64),
    /// The function needed more memory than allowed (the limit in bytes).
    MemoryLimit(u64),
    /// The function exceeded its fuel limit.
    FuelLimit,
    /// The module is invalid WebAssembly, or has an unsupported import or export.
    BadModule,
    /// The function trapped.
    Trapped,
    /// The function ended with this exit status, not zero.
    ExitStatus(u32),
    /// The worker exited without reporting how the run ended.
    WorkerDied,
    /// A signal ended the worker that PID 1 did not send. The enclave is at fault, not the function.
    WorkerKilled,
    /// The platform lost the worker.
    Lost(TransportError),
}

impl RunFailure {
    /// The status of a response about this run.
    pub fn status(self) -> Status {
        Status::of(match self {
            Self::OutputLimit(limit) => Error::OutputLimit(limit),
            Self::TimeLimit(limit) => Error::TimeLimit(limit),
            Self::MemoryLimit(limit) => Error::MemoryLimit(limit),
            Self::FuelLimit => Error::FuelLimit,
            Self::BadModule => Error::BadModule,
            Self::Trapped => Error::Trapped,
            Self::ExitStatus(status) => Error::ExitStatus(status),
            Self::WorkerDied => Error::WorkerDied,
            Self::WorkerKilled => Error::WorkerKilled,
            Self::Lost(error) => Error::Transport(error),
        })
    }
}

/// The status in a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStatus(u64);

impl RunStatus {
    /// The run completed.
    pub const DONE: Self = Self(Status::DONE.number());

    /// The run was started and failed.
    pub fn failed(failure: RunFailure) -> Self {
        Self(failure.status().number())
    }

    /// The status with this number, as a receipt has it. `None` for a number that no run has that was started.
    #[cfg(feature = "outside")]
    pub fn from_number(number: u64) -> Option<Self> {
        matches!(number, 0 | 17..=24 | 37..=39).then_some(Self(number))
    }

    /// The number; see [`Status`].
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Whether the run completed.
    #[cfg(feature = "outside")]
    pub fn is_done(self) -> bool {
        self == Self::DONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_failure_of_a_run_says_that_nothing_was_started() {
        let failures = [
            RunFailure::OutputLimit(1),
            RunFailure::TimeLimit(1),
            RunFailure::MemoryLimit(1),
            RunFailure::FuelLimit,
            RunFailure::BadModule,
            RunFailure::Trapped,
            RunFailure::ExitStatus(1),
            RunFailure::WorkerDied,
            RunFailure::WorkerKilled,
            RunFailure::Lost(TransportError::Failed),
            RunFailure::Lost(TransportError::TimedOut),
        ];
        for failure in failures {
            // 1 to 16 are problems of the request, among them `busy`: nothing was started.
            assert!(failure.status().number() > 16, "{failure:?}");
            let status = RunStatus::failed(failure);
            assert!(!status.is_done(), "{failure:?}");
            assert_eq!(RunStatus::from_number(status.number()), Some(status), "{failure:?}");
        }
        for number in (1..=16).chain(25..=36).chain([40, u64::MAX]) {
            assert_eq!(RunStatus::from_number(number), None, "{number}");
        }
    }
}
