//! The heartbeat: one byte to the parent and back. It tells the parent that the enclave came up; it proves nothing.

use nix::errno::Errno;
use nix::sys::socket::*;
use nix::sys::time::TimeVal;
use nix::unistd::{read, write};
use std::os::fd::AsRawFd as _;

/// The parent's CID as an enclave sees it, and the port where `nitro-cli` waits.
const PARENT: (u32, u32) = (3, 9000);
/// The byte that `nitro-cli` and AWS' init exchange.
const BEAT: u8 = 0xB7;
/// How long writing and reading may each take, in seconds. Connecting, the kernel gives up after two.
const DEADLINE: i64 = 10;

/// Sends the byte and waits for it to come back; `EBADMSG` if it is another.
pub fn beat() -> Result<(), Errno> {
    let (cid, port) = PARENT;
    let parent = socket(AddressFamily::Vsock, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let deadline = TimeVal::new(DEADLINE, 0);
    setsockopt(&parent, sockopt::SendTimeout, &deadline)?;
    setsockopt(&parent, sockopt::ReceiveTimeout, &deadline)?;
    connect(parent.as_raw_fd(), &VsockAddr::new(cid, port))?;
    let mut answer = [0];
    // No signal can interrupt either: PID 1 has no handlers.
    match (write(&parent, &[BEAT])?, read(&parent, &mut answer)?, answer) {
        (1, 1, [BEAT]) => Ok(()),
        _ => Err(Errno::EBADMSG),
    }
}
