//! A bell that wakes every thread that waits on a socket, once and for good.

use crate::Error;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One end of a socket pair is polled by all; the other is closed to ring.
pub(crate) struct Bell {
    waits: UnixStream,
    rings: Mutex<Option<UnixStream>>,
}

impl Bell {
    pub fn new() -> Result<Self, Error> {
        let (waits, rings) = UnixStream::pair().map_err(Error::System)?;
        Ok(Self { waits, rings: Mutex::new(Some(rings)) })
    }

    pub fn ring(&self) {
        drop(self.rings.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub fn has_rung(&self) -> bool {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Waits until a descriptor has what is wanted of it, and tells for each what it has.
    ///
    /// # Errors
    /// [`Error::Deadline`] at `until`, [`Error::Stopping`] when the bell rings.
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
            let mut polled = vec![PollFd::new(self.waits.as_fd(), PollFlags::POLLIN)];
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

/// In milliseconds, rounded up, so that a rest of less than one is not waited for in a loop.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = i32::try_from(left.as_millis().saturating_add(1)).unwrap_or(i32::MAX);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
