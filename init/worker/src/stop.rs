//! Why the host's side ends a run from within a call of the function.

use std::fmt;

/// What unwinds the function; no instruction of it runs after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It asked to exit with this status.
    Exit(u32),
    /// It wrote more than its limit.
    Output,
    /// The core does not take any more.
    Socket,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl wasmi::errors::HostError for Stop {}
