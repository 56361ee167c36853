//! Why a request failed, and whether it can still be answered.

use crate::Error;

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestError {
    /// The request failed. Its stream is intact, so the client gets an answer.
    Answerable(Error),
    /// The request's stream did not open, or broke off. The connection ends without an answer.
    Connection(Error),
}

impl RequestError {
    /// The error, for when no answer is due.
    pub fn cause(self) -> Error {
        match self {
            Self::Answerable(error) | Self::Connection(error) => error,
        }
    }
}

/// Handlers and what they call fail with an answer. Only the body's stream, in `body.rs`, ends a connection.
impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        Self::Answerable(error)
    }
}
