//! Why the enclave ends. PID 1 prints one line with it on the console.

use capelet_abi::ExitReason;
use nix::errno::Errno;
use std::{fmt, io};

/// Why the enclave ends, or why a program did not start.
#[derive(Debug)]
pub enum Error {
    /// This step failed: a system call of the boot, of a program's start or of the loop.
    Step(&'static str, Errno),
    /// This step failed for this file or mount point.
    File(&'static str, &'static str, io::Error),
    /// PID 1 could not create a process. Memory may be short.
    Fork(Errno),
    /// The kernel states something that this image does not expect: what it is, and its value.
    Unexpected(&'static str, String),
    /// This program did not start. It printed the reason on the console.
    NotStarted(&'static str),
    /// The core sent an invalid message, or one without exactly one Unix stream socket.
    Message,
    /// The core ended.
    Core(ExitReason),
}

/// Adds the step that failed to an `Errno`.
pub fn cannot(step: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| Error::Step(step, errno)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step, errno) => write!(f, "cannot {step}: {errno}"),
            Self::File(step, path, error) => write!(f, "cannot {step} {path}: {error}"),
            Self::Fork(errno) => write!(f, "cannot create a process: {errno}"),
            Self::Unexpected(what, value) => write!(f, "unexpected {what}: {value:?}"),
            Self::NotStarted(path) => write!(f, "{path} did not start; the line above has the reason"),
            Self::Message => f.write_str("the core sent an invalid message"),
            Self::Core(reason) => write!(f, "the core {reason}"),
        }
    }
}
