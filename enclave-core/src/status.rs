//! The numbers by which a response says how a request ended, and what errors they come back as.
//!
//! 0 done, 1 refused, 2 cannot-open, 3 policy-changed, 4 busy, 5 request-expired; from 16 on limits and failures of
//! the function, from 32 on failures of the surroundings. A number that a client does not know is a failure.

use crate::error::{Down, Error, Part};

/// Done.
pub const DONE: u64 = 0;

/// Number, and the value that goes with it (a limit, an exit status), of a failure.
pub fn of(error: Error) -> (u64, Option<u64>) {
    match error {
        Error::Refused => (1, None),
        Error::CannotOpen => (2, None),
        Error::PolicyChanged => (3, None),
        Error::Busy => (4, None),
        Error::RequestExpired => (5, None),
        Error::NotFound => (6, None),
        Error::Exists => (7, None),
        Error::Disagrees(_) | Error::WrongKey | Error::WrongOwner => (8, None),
        Error::Malformed(Part::Bundle) | Error::TooLarge(Part::Bundle) => (9, None),
        Error::Malformed(Part::Request | Part::Record | Part::Sign1 | Part::Ciphertext | Part::Arn)
        | Error::TooLarge(Part::Request | Part::Record | Part::Sign1 | Part::Ciphertext)
        | Error::BadSignature => (10, None),
        Error::InputLimit(limit) => (16, Some(limit)),
        Error::OutputLimit(limit) => (17, Some(limit)),
        Error::TimeLimit(limit) => (18, Some(limit)),
        Error::MemoryLimit(limit) => (19, Some(limit)),
        Error::FuelLimit => (20, None),
        Error::BadModule => (21, None),
        Error::Trapped => (22, None),
        Error::ExitStatus(status) => (23, Some(status as u64)),
        Error::WorkerDied => (24, None),
        Error::KmsDenied => (32, None),
        Error::KmsKeyUnusable => (33, None),
        Error::KmsUnavailable | Error::Malformed(Part::Kms) | Error::TooLarge(Part::Kms) => (34, None),
        Error::KmsMismatch => (35, None),
        Error::ParentFailed | Error::Malformed(Part::Parent) | Error::TooLarge(Part::Parent) => (36, None),
        Error::Down(Down::Unreachable | Down::Closed | Down::Deadline) => (37, None),
        _ => (38, None),
    }
}

/// The error of a number and its value.
pub fn error(number: u64, value: Option<u64>) -> Error {
    let limit = value.unwrap_or_default();
    match number {
        1 => Error::Refused,
        2 => Error::CannotOpen,
        3 => Error::PolicyChanged,
        4 => Error::Busy,
        5 => Error::RequestExpired,
        6 => Error::NotFound,
        7 => Error::Exists,
        8 => Error::Disagrees(Part::Request),
        9 => Error::Malformed(Part::Bundle),
        10 => Error::Malformed(Part::Request),
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
        37 => Error::Down(Down::Unreachable),
        _ => Error::Down(Down::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody is told to try again what will fail again: that is for failures of the surroundings alone.
    #[test]
    fn what_is_wrong_with_a_request_stays_wrong() {
        let parts = [Part::Request, Part::Record, Part::Sign1, Part::Ciphertext, Part::Bundle];
        let wrong = parts.into_iter().map(Error::Malformed).chain(parts.into_iter().map(Error::TooLarge));
        for wrong in wrong.chain([Error::BadSignature, Error::WrongKey, Error::WrongOwner]) {
            let (number, value) = of(wrong);
            assert!(!error(number, value).retry(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_survive() {
        for number in (1..=10).chain(16..=24).chain(32..=38) {
            let value = matches!(number, 16..=19 | 23).then_some(7);
            assert_eq!(of(error(number, value)), (number, value), "{number}");
        }
        assert_ne!(of(error(u64::MAX, None)).0, DONE);
    }
}
