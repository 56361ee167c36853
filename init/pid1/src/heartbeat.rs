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
/// No attempt starts later than this after the first one. A busy host may leave the parent or the vsock device without
/// processor time for longer than one attempt lasts.
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
    retry(attempt, TOTAL)
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

/// Calls `attempt` until it succeeds, answers `EBADMSG`, or `total` is over.
fn retry(mut attempt: impl FnMut() -> Result<(), Errno>, total: Duration) -> Result<(), Errno> {
    let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match attempt() {
            Err(error) if error != Errno::EBADMSG && start.elapsed() + pause < total => sleep(pause),
            ended => return ended,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often `attempt` is called if it answers this each time until `success`.
    fn attempts(answer: Errno, success: usize, total: Duration) -> (Result<(), Errno>, usize) {
        let mut count = 0;
        let attempt = || {
            count += 1;
            if count == success { Ok(()) } else { Err(answer) }
        };
        (retry(attempt, total), count)
    }

    #[test]
    fn retries_until_the_parent_answers() {
        assert_eq!(attempts(Errno::ETIMEDOUT, 3, TOTAL), (Ok(()), 3));
        assert_eq!(attempts(Errno::ECONNRESET, 1, TOTAL), (Ok(()), 1));
    }

    #[test]
    fn gives_up_after_the_total() {
        let (ended, count) = attempts(Errno::ETIMEDOUT, usize::MAX, Duration::from_millis(250));
        assert_eq!(ended, Err(Errno::ETIMEDOUT));
        assert!(count >= 1, "{count}");
        assert_eq!(attempts(Errno::ECONNRESET, usize::MAX, Duration::ZERO), (Err(Errno::ECONNRESET), 1));
    }

    #[test]
    fn does_not_retry_after_a_wrong_byte() {
        assert_eq!(attempts(Errno::EBADMSG, 2, TOTAL), (Err(Errno::EBADMSG), 1));
    }
}
