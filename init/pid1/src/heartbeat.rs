//! The heartbeat: PID 1 sends the parent one byte and receives it back. The parent learns that the enclave has booted.
//! The heartbeat authenticates nobody and proves nothing.

use capelet_abi::{HEARTBEAT, HEARTBEAT_PORT, PARENT_CID};
use nix::errno::Errno;
use nix::sys::socket::*;
use nix::sys::time::TimeVal;
use nix::unistd::{read, write};
use std::os::fd::AsRawFd as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long PID 1 retries, counted from the first attempt. The last attempt may end up to 22 seconds later. A busy host
/// may leave the parent or the vsock device without processor time for longer than one attempt lasts.
const TOTAL: Duration = Duration::from_secs(60);
/// How long writing and reading may each take in one attempt, in seconds. The kernel limits connecting to 2 seconds.
const DEADLINE: i64 = 10;
/// The pause after the first failed attempt. It doubles after each further attempt, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends the byte and waits until the parent sends it back. Retries for [`TOTAL`].
///
/// # Errors
///
/// `EBADMSG` at once if the parent answers with another byte; otherwise the error of the last attempt.
pub fn exchange() -> Result<(), Errno> {
    let start = Instant::now();
    retry(attempt, || start.elapsed(), sleep)
}

fn attempt() -> Result<(), Errno> {
    let parent = socket(AddressFamily::Vsock, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let deadline = TimeVal::new(DEADLINE, 0);
    setsockopt(&parent, sockopt::SendTimeout, &deadline)?;
    setsockopt(&parent, sockopt::ReceiveTimeout, &deadline)?;
    connect(parent.as_raw_fd(), &VsockAddr::new(PARENT_CID, HEARTBEAT_PORT))?;
    let mut answer = [0];
    // No signal can interrupt these calls: PID 1 has no handlers.
    match (write(&parent, &[HEARTBEAT])?, read(&parent, &mut answer)?, answer) {
        (1, 1, [HEARTBEAT]) => Ok(()),
        (1, 0, _) => Err(Errno::ECONNRESET),
        _ => Err(Errno::EBADMSG),
    }
}

/// Calls `attempt` until it succeeds, fails with `EBADMSG`, or the next attempt would begin after [`TOTAL`].
fn retry(
    mut attempt: impl FnMut() -> Result<(), Errno>,
    elapsed: impl Fn() -> Duration,
    sleep: impl Fn(Duration),
) -> Result<(), Errno> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt() {
            Err(error) if error != Errno::EBADMSG && elapsed() + pause < TOTAL => sleep(pause),
            result => return result,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// Simulates attempts that each take `takes` and fail with `answer`, until attempt number `success` succeeds.
    /// Returns the result, the number of attempts, and the pauses. Time is simulated.
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
        let result = retry(attempt, || clock.get(), sleep);
        assert!(clock.get() < TOTAL + takes, "{:?}", clock.get());
        (result, count, pauses.into_inner())
    }

    #[test]
    fn retries_with_pauses_that_double_until_the_parent_answers() {
        let (result, count, pauses) = attempts(Errno::ECONNRESET, 9, Duration::ZERO);
        assert_eq!((result, count), (Ok(()), 9));
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis));
    }

    #[test]
    fn gives_up_after_the_total_with_the_last_error() {
        let (result, count, _) = attempts(Errno::ECONNRESET, usize::MAX, Duration::ZERO);
        assert_eq!((result, count), (Err(Errno::ECONNRESET), 17));
        // Each attempt fails after the kernel's timeout of two seconds.
        let (result, count, _) = attempts(Errno::ETIMEDOUT, usize::MAX, Duration::from_secs(2));
        assert_eq!((result, count), (Err(Errno::ETIMEDOUT), 12));
    }

    #[test]
    fn does_not_retry_after_a_wrong_byte() {
        assert_eq!(attempts(Errno::EBADMSG, 2, Duration::ZERO), (Err(Errno::EBADMSG), 1, Vec::new()));
    }
}
