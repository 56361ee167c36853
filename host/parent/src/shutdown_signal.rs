//! A signal that wakes every thread that waits on a socket. Once set, it stays set.

use crate::Error;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A socket pair. Every waiting thread polls one end. Setting the signal closes the other end.
pub(crate) struct ShutdownSignal {
    polled: UnixStream,
    /// `None` once the signal is set.
    closes: Mutex<Option<UnixStream>>,
}

impl ShutdownSignal {
    pub fn new() -> Result<Self, Error> {
        let (polled, closes) = UnixStream::pair().map_err(Error::System)?;
        Ok(Self { polled, closes: Mutex::new(Some(closes)) })
    }

    pub fn set(&self) {
        drop(self.closes.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub fn is_set(&self) -> bool {
        self.closes.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Waits until at least one of the descriptors has an event that is wanted of it. Returns the events of each.
    ///
    /// # Errors
    /// [`Error::Deadline`] at `until`, [`Error::Stopping`] when the signal is set, [`Error::Socket`] if `poll` fails.
    pub fn wait<const N: usize>(
        &self,
        wanted: [Option<(BorrowedFd<'_>, PollFlags)>; N],
        until: Option<Instant>,
    ) -> Result<[PollFlags; N], Error> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Error::Deadline);
            }
            let mut polled = vec![PollFd::new(self.polled.as_fd(), PollFlags::POLLIN)];
            polled.extend(wanted.iter().flatten().map(|(fd, flags)| PollFd::new(*fd, *flags)));
            match poll(&mut polled, left.map_or(PollTimeout::NONE, timeout)) {
                Ok(0) | Err(nix::Error::EINTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(Error::Socket(error.into())),
            }
            let mut happened = polled.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty()));
            if happened.next().is_some_and(|flags| !flags.is_empty()) {
                return Err(Error::Stopping);
            }
            return Ok(wanted.map(|wanted| wanted.and_then(|_| happened.next()).unwrap_or(PollFlags::empty())));
        }
    }
}

/// In milliseconds, rounded up: a time of zero would make the last millisecond a busy loop.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = i32::try_from(left.as_millis().saturating_add(1)).unwrap_or(i32::MAX);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
