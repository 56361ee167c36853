//! Repeats what has certainly not started.
//!
//! A request that was sent may have been carried out, so it is never repeated. A machine without a free place, an address
//! that nobody serves, and an attested enclave that answers `busy` have started nothing.

use crate::error::Error;
use enclave_core::{Error as CoreError, TransportError};
use std::cell::Cell;
use std::time::Duration;

/// How often a command may still repeat something.
#[derive(Debug, Default)]
pub struct Retry {
    left: Cell<u32>,
}

impl Retry {
    /// Allows this number of repetitions in the whole command.
    pub fn new(count: u32) -> Self {
        Self { left: Cell::new(count) }
    }

    /// Whether a repetition is left.
    pub fn is_possible(&self) -> bool {
        self.left.get() > 0
    }

    /// Calls `attempt` until it succeeds, fails with an error that must not be repeated, or no repetition is left. Before
    /// each repetition, `pause` gets the error and the time to wait.
    ///
    /// # Errors
    /// Those of `attempt`.
    pub fn run<T>(
        &self,
        pause: impl Fn(&Error, Duration),
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let error = match attempt() {
                Err(error) if self.is_possible() => error,
                result => return result,
            };
            let Some(wait) = not_started(&error) else { return Err(error) };
            self.left.set(self.left.get() - 1);
            pause(&error, wait);
        }
    }
}

/// How long to wait before the repetition of what failed with this error. `None` if it may have started, or if a
/// repetition cannot change anything.
fn not_started(error: &Error) -> Option<Duration> {
    /// The wait if the other side named no time.
    const UNNAMED: u32 = 1;
    let seconds = match error {
        Error::NoPlace { retry_after, .. } => retry_after.map_or(UNNAMED, u32::from),
        Error::Answered(CoreError::Busy(seconds)) => *seconds,
        Error::Connection { error: TransportError::Unreachable, sent: false, .. } => UNNAMED,
        _ => return None,
    };
    // Without a pause, all repetitions could be over before anything has changed.
    Some(Duration::from_secs(u64::from(seconds.max(UNNAMED))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn connection(error: TransportError, sent: bool) -> Error {
        Error::Connection { url: "unix:/a".into(), error, sent }
    }

    /// The waits before the repetitions, and the code of the end.
    fn attempts(count: u32, error: fn(u32) -> Error) -> (Vec<u64>, &'static str) {
        let (waits, number) = (RefCell::new(Vec::new()), Cell::new(0));
        let result: Result<(), Error> = Retry::new(count).run(
            |_, wait| waits.borrow_mut().push(wait.as_secs()),
            || {
                number.set(number.get() + 1);
                if number.get() == 3 { Ok(()) } else { Err(error(number.get())) }
            },
        );
        (waits.into_inner(), result.err().map_or("", |error| error.code()))
    }

    #[test]
    fn repeats_what_has_certainly_not_started_after_the_time_that_was_named() {
        let no_place = |number| Error::NoPlace { url: "a".into(), retry_after: (number == 1).then_some(7) };
        assert_eq!(attempts(5, no_place), (vec![7, 1], ""));
        assert_eq!(attempts(5, |number| Error::Answered(CoreError::Busy(number * 10))), (vec![10, 20], ""));
        assert_eq!(attempts(5, |_| Error::Answered(CoreError::Busy(0))), (vec![1, 1], ""));
        assert_eq!(attempts(5, |_| connection(TransportError::Unreachable, false)), (vec![1, 1], ""));
    }

    #[test]
    fn repeats_no_more_often_than_asked_and_nothing_that_may_have_started() {
        assert_eq!(attempts(1, |_| Error::Answered(CoreError::Busy(2))), (vec![2], "busy"));
        assert_eq!(attempts(0, |_| Error::Answered(CoreError::Busy(2))), (vec![], "busy"));
        for error in [TransportError::TimedOut, TransportError::Closed, TransportError::Failed] {
            let code = CoreError::Transport(error).code();
            let never: fn(u32) -> Error = match error {
                TransportError::TimedOut => |_| connection(TransportError::TimedOut, true),
                TransportError::Closed => |_| connection(TransportError::Closed, true),
                _ => |_| connection(TransportError::Failed, true),
            };
            assert_eq!(attempts(5, never), (vec![], code));
        }
        assert_eq!(attempts(5, |_| connection(TransportError::Unreachable, true)), (vec![], "unreachable"));
        assert_eq!(attempts(5, |_| Error::NoUrl), (vec![], "no-url"));
    }
}
