//! Why the worker could not report how a run ended. It cannot print, so each reason is an exit status of its own.

/// Why the worker sent no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Inherited descriptors could not be closed.
    Descriptors,
    /// The process could not give up new privileges.
    NoNewPrivileges,
    /// A resource limit could not be set.
    ResourceLimit,
    /// The job is invalid or too large.
    Job,
    /// The job is truncated.
    Truncated,
    /// There is not enough memory for the job.
    Memory,
    /// Reading from or writing to the socket failed.
    Socket,
}

impl Error {
    /// The exit status. It is never 0, nor 101, which is Rust's status after a panic.
    pub fn status(self) -> u8 {
        match self {
            Self::Descriptors => 2,
            Self::NoNewPrivileges => 3,
            Self::ResourceLimit => 4,
            Self::Job => 5,
            Self::Truncated => 6,
            Self::Memory => 7,
            Self::Socket => 8,
        }
    }
}
