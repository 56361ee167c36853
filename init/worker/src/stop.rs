//! Why a call of the function ends the run.

use std::fmt;

/// The reason for which a call ends the run. No further instruction of the function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The function exited with this status.
    Exit(u32),
    /// The function exceeded its output limit.
    Output,
    /// Writing to the core failed.
    Socket,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "the function exited with status {status}"),
            Self::Output => f.write_str("the function exceeded its output limit"),
            Self::Socket => f.write_str("writing to the core failed"),
        }
    }
}

impl wasmi::errors::HostError for Stop {}
