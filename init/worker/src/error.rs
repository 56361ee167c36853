//! Why the worker could not say how a run ended. It has nowhere to print: each reason is an exit status of its own.

/// Why no end was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Inherited descriptors could not be closed.
    Descriptors,
    /// The process could not give up gaining privileges.
    NoNewPrivileges,
    /// A resource limit could not be set.
    ResourceLimit,
    /// The job is not of its form, or larger than any job may be.
    Job,
    /// The job ended before its last byte.
    Truncated,
    /// There is no memory to hold the job.
    Memory,
    /// The socket to the core failed.
    Socket,
}

impl Error {
    /// The exit status: never 0, nor 101, with which Rust ends after a panic.
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
