//! The numbers by which a response says how a request ended, and the errors that they stand for.
//!
//! 0 is done; 1 to 11 are problems of the request; 16 to 24 are limits and failures of the function; 32 to 39 are
//! failures of the environment. A client treats an unknown number as a failure.

use crate::error::{Error, MessageKind, TransportError};

/// The most seconds after which a client is told to come back.
const MAX_WAIT: u32 = 3600;

/// How a request ended: a number, and for a limit, an exit status or a wait its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    number: u64,
    value: Option<u64>,
}

impl Status {
    /// The request is done.
    pub const DONE: Self = Self { number: 0, value: None };

    /// The status of a request that failed with `error`.
    pub fn of(error: Error) -> Self {
        let (number, value) = match error {
            Error::Refused => (1, None),
            Error::CannotOpen => (2, None),
            Error::PolicyChanged => (3, None),
            Error::Busy(seconds) => (4, Some(seconds.clamp(1, MAX_WAIT).into())),
            Error::RequestExpired => (5, None),
            Error::NotFound => (6, None),
            Error::Exists => (7, None),
            Error::Mismatch(_) | Error::WrongKey | Error::WrongOwner => (8, None),
            Error::Malformed(MessageKind::Bundle) | Error::TooLarge(MessageKind::Bundle) => (9, None),
            Error::Malformed(
                MessageKind::Request
                | MessageKind::Record
                | MessageKind::Sign1
                | MessageKind::Ciphertext
                | MessageKind::Arn,
            )
            | Error::TooLarge(
                MessageKind::Request | MessageKind::Record | MessageKind::Sign1 | MessageKind::Ciphertext,
            )
            | Error::BadSignature => (10, None),
            Error::WrongImage => (11, None),
            Error::InputLimit(limit) => (16, Some(limit)),
            Error::OutputLimit(limit) => (17, Some(limit)),
            Error::TimeLimit(limit) => (18, Some(limit)),
            Error::MemoryLimit(limit) => (19, Some(limit)),
            Error::FuelLimit => (20, None),
            Error::BadModule => (21, None),
            Error::Trapped => (22, None),
            Error::ExitStatus(status) => (23, Some(status.into())),
            Error::WorkerDied => (24, None),
            Error::KmsDenied => (32, None),
            Error::KmsKeyUnusable => (33, None),
            Error::KmsUnavailable | Error::Malformed(MessageKind::Kms) | Error::TooLarge(MessageKind::Kms) => {
                (34, None)
            }
            Error::KmsMismatch => (35, None),
            Error::ParentFailed | Error::Malformed(MessageKind::Parent) | Error::TooLarge(MessageKind::Parent) => {
                (36, None)
            }
            Error::Transport(TransportError::Unreachable | TransportError::Closed | TransportError::TimedOut) => {
                (37, None)
            }
            Error::WorkerKilled => (39, None),
            _ => (38, None),
        };
        Self { number, value }
    }

    /// The number, as the response has it.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The limit, the exit status or the seconds to wait, as the result has it.
    pub const fn value(self) -> Option<u64> {
        self.value
    }

    /// The error of a response with this number and value; `None` if the request is done.
    #[cfg(feature = "outside")]
    pub fn error(number: u64, value: Option<u64>) -> Option<Error> {
        let limit = value.unwrap_or_default();
        Some(match number {
            0 => return None,
            1 => Error::Refused,
            2 => Error::CannotOpen,
            3 => Error::PolicyChanged,
            4 => Error::Busy(u32::try_from(limit).unwrap_or(MAX_WAIT).clamp(1, MAX_WAIT)),
            5 => Error::RequestExpired,
            6 => Error::NotFound,
            7 => Error::Exists,
            8 => Error::Mismatch(MessageKind::Request),
            9 => Error::Malformed(MessageKind::Bundle),
            10 => Error::Malformed(MessageKind::Request),
            11 => Error::WrongImage,
            16 => Error::InputLimit(limit),
            17 => Error::OutputLimit(limit),
            18 => Error::TimeLimit(limit),
            19 => Error::MemoryLimit(limit),
            20 => Error::FuelLimit,
            21 => Error::BadModule,
            22 => Error::Trapped,
            23 => Error::ExitStatus(u32::try_from(limit).unwrap_or(u32::MAX)),
            24 => Error::WorkerDied,
            32 => Error::KmsDenied,
            33 => Error::KmsKeyUnusable,
            34 => Error::KmsUnavailable,
            35 => Error::KmsMismatch,
            36 => Error::ParentFailed,
            37 => Error::Transport(TransportError::Unreachable),
            39 => Error::WorkerKilled,
            _ => Error::Transport(TransportError::Failed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only failures of the environment may be retried.
    #[test]
    fn an_invalid_request_is_not_retried() {
        let kinds = [
            MessageKind::Request,
            MessageKind::Record,
            MessageKind::Sign1,
            MessageKind::Ciphertext,
            MessageKind::Bundle,
        ];
        let wrong = kinds.into_iter().map(Error::Malformed).chain(kinds.into_iter().map(Error::TooLarge));
        for wrong in wrong.chain([Error::BadSignature, Error::WrongKey, Error::WrongOwner]) {
            let status = Status::of(wrong);
            assert!(!Status::error(status.number(), status.value()).unwrap().retry(), "{wrong:?}");
        }
    }

    #[test]
    fn every_number_stands_for_the_error_that_gives_it() {
        for number in (1..=11).chain(16..=24).chain(32..=39) {
            let value = matches!(number, 4 | 16..=19 | 23).then_some(7);
            assert_eq!(Status::of(Status::error(number, value).unwrap()), Status { number, value }, "{number}");
        }
        assert_ne!(Status::of(Status::error(u64::MAX, None).unwrap()), Status::DONE);
        assert_eq!(Status::error(0, None), None);
    }
}
