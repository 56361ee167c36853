//! The system calls for which there is no safe wrapper in the tree. All of PID 1's unsafe code.
#![allow(unsafe_code)]

use crate::Error;
use capelet_abi::spawn::How;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::Pid;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

/// A child that has not been waited for.
pub struct Child {
    /// Its number, which stays its own until it has been waited for.
    pub pid: Pid,
    /// Readable when it has ended.
    pub ended: OwnedFd,
}

/// Forks into new `namespaces` (`CLONE_NEW…`). None in the child.
pub fn fork(namespaces: libc::c_int) -> Result<Option<Child>, Errno> {
    let flags = i64::from(namespaces | libc::CLONE_PIDFD | libc::SIGCHLD);
    let mut ended: RawFd = -1;
    // SAFETY: without CLONE_VM the child runs in a copy of this memory, as after fork(2), and this process has one
    // thread, so that the copy holds no lock of another. A stack of 0 is the copy. With CLONE_PIDFD the third argument
    // is where the kernel writes the descriptor; the last two are for flags that are not there.
    let pid = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut ended, 0, 0) })?;
    match libc::pid_t::try_from(pid) {
        Ok(0) => Ok(None),
        // SAFETY: the kernel has just made this descriptor, for us alone.
        Ok(pid) => Ok(Some(Child { pid: Pid::from_raw(pid), ended: unsafe { OwnedFd::from_raw_fd(ended) } })),
        Err(_) => Err(Errno::EOVERFLOW),
    }
}

/// Waits for a child's end. (`nix` has no name for real-time signals, and would call such an end an error.)
pub fn wait(child: &Child) -> Result<How, Error> {
    let mut status = 0;
    // SAFETY: the call writes to `status` only.
    Errno::result(unsafe { libc::waitpid(child.pid.as_raw(), &raw mut status, 0) }).map_err(Error::Wait)?;
    let byte = |value| u8::try_from(value).unwrap_or(u8::MAX);
    let exited = libc::WIFEXITED(status);
    Ok(if exited { How::Exited(byte(libc::WEXITSTATUS(status))) } else { How::Signalled(byte(libc::WTERMSIG(status))) })
}

/// Takes every capability out of the bounding set: no program that this process starts can come to hold one.
pub fn empty_bounding_set() -> Result<(), Errno> {
    for capability in 0.. {
        // SAFETY: this operation of prctl(2) touches no memory.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            // One behind the last that the kernel knows.
            Err(Errno::EINVAL) if capability > 0 => break,
            dropped => dropped?,
        };
    }
    Ok(())
}

/// Lets every descriptor from `first` on be closed when a program is executed.
pub fn close_on_execute(first: libc::c_uint) -> Result<(), Errno> {
    let (last, flags) = (libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: close_range(2) touches no memory, and with this flag closes nothing now.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// Puts a filter of system calls on this process and all that it becomes.
pub fn filter(instructions: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(instructions.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len, filter: instructions.as_ptr().cast_mut() };
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: pointer and length are those of one slice, which the kernel copies and does not write to.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const program) }).map(drop)
}

/// Receives one message without waiting: its length, and the descriptors that came with it. What exceeds `buffer` is
/// cut off; more than two descriptors are an error.
pub fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let (mut parts, mut space) = ([IoSliceMut::new(buffer)], cmsg_space!([RawFd; 2]));
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        let ControlMessageOwned::ScmRights(received) = control else { return Err(Errno::EBADMSG) };
        // SAFETY: the kernel has just made these descriptors, for this message alone.
        descriptors.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
    }
    Ok((message.bytes, descriptors))
}
