//! The heartbeat: one byte to the parent and back. It tells the parent that the enclave booted; it proves nothing.

use nix::errno::Errno;
use nix::sys::socket::*;
use nix::sys::time::TimeVal;
use nix::unistd::{read, write};
use std::os::fd::AsRawFd as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The parent's CID as an enclave sees it, and the port where `nitro-cli` waits.
const PARENT: (u32, u32) = (3, 9000);
/// The byte that `nitro-cli` and AWS' init exchange.
const BEAT: u8 = 0xB7;
/// An attempt that fails later than this after the first one began is the last; it may itself take 22 seconds. A busy host
/// may leave the parent or the vsock device without processor time for longer than one attempt lasts.
pub const TOTAL: Duration = Duration::from_secs(60);
/// How long writing and reading may each take in one attempt, in seconds. The kernel limits connecting to two seconds.
const DEADLINE: i64 = 10;
/// The pause after the first failed attempt. It doubles after each further attempt, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends the byte and waits until it comes back; retries for [`TOTAL`].
///
/// # Errors
///
/// `EBADMSG` at once if another byte comes back; otherwise the error of the last attempt.
pub fn beat() -> Result<(), Errno> {
    let start = Instant::now();
    retry(attempt, || start.elapsed(), sleep)
}

fn attempt() -> Result<(), Errno> {
    let (cid, port) = PARENT;
    let parent = socket(AddressFamily::Vsock, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let deadline = TimeVal::new(DEADLINE, 0);
    setsockopt(&parent, sockopt::SendTimeout, &deadline)?;
    setsockopt(&parent, sockopt::ReceiveTimeout, &deadline)?;
    connect(parent.as_raw_fd(), &VsockAddr::new(cid, port))?;
    let mut answer = [0];
    // No signal can interrupt these calls: PID 1 has no handlers.
    match (write(&parent, &[BEAT])?, read(&parent, &mut answer)?, answer) {
        (1, 1, [BEAT]) => Ok(()),
        (1, 0, _) => Err(Errno::ECONNRESET),
        _ => Err(Errno::EBADMSG),
    }
}

/// Calls `attempt` until it succeeds, answers `EBADMSG`, or the next one would begin after [`TOTAL`].
fn retry(
    mut attempt: impl FnMut() -> Result<(), Errno>,
    elapsed: impl Fn() -> Duration,
    sleep: impl Fn(Duration),
) -> Result<(), Errno> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt() {
            Err(error) if error != Errno::EBADMSG && elapsed() + pause < TOTAL => sleep(pause),
            ended => return ended,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// How the heartbeat ends, after how many attempts and which pauses, if each attempt takes this long and answers so
    /// until the `success`-th. The clock is the test's own.
    fn attempts(answer: Errno, success: usize, takes: Duration) -> (Result<(), Errno>, usize, Vec<Duration>) {
        let (clock, pauses, mut count) = (Cell::new(Duration::ZERO), RefCell::new(Vec::new()), 0);
        let attempt = || {
            count += 1;
            clock.set(clock.get() + takes);
            if count == success { Ok(()) } else { Err(answer) }
        };
        let sleep = |pause| {
            clock.set(clock.get() + pause);
            pauses.borrow_mut().push(pause);
        };
        let ended = retry(attempt, || clock.get(), sleep);
        assert!(clock.get() < TOTAL + takes, "{:?}", clock.get());
        (ended, count, pauses.into_inner())
    }

    #[test]
    fn retries_with_pauses_that_double_until_the_parent_answers() {
        let (ended, count, pauses) = attempts(Errno::ECONNRESET, 9, Duration::ZERO);
        assert_eq!((ended, count), (Ok(()), 9));
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis));
    }

    #[test]
    fn gives_up_after_the_total_with_the_last_error() {
        let (ended, count, _) = attempts(Errno::ECONNRESET, usize::MAX, Duration::ZERO);
        assert_eq!((ended, count), (Err(Errno::ECONNRESET), 17));
        // The kernel's own timeout of two seconds at each attempt.
        let (ended, count, _) = attempts(Errno::ETIMEDOUT, usize::MAX, Duration::from_secs(2));
        assert_eq!((ended, count), (Err(Errno::ETIMEDOUT), 12));
    }

    #[test]
    fn does_not_retry_after_a_wrong_byte() {
        assert_eq!(attempts(Errno::EBADMSG, 2, Duration::ZERO), (Err(Errno::EBADMSG), 1, Vec::new()));
    }
}
