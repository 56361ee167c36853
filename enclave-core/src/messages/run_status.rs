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
    /// A signal ended the worker, or it did not report how the run ended.
    WorkerDied,
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

    /// The status with this number, as a receipt has it. A reader accepts every number; this enclave writes only those
    /// of [`RunFailure`].
    #[cfg(feature = "outside")]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
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
            RunFailure::Lost(TransportError::Failed),
            RunFailure::Lost(TransportError::TimedOut),
        ];
        for failure in failures {
            // 1 to 16 are problems of the request, among them `busy`: nothing was started.
            assert!(failure.status().number() > 16, "{failure:?}");
            assert!(!RunStatus::failed(failure).is_done(), "{failure:?}");
        }
    }
}
