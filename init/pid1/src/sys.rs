//! The system calls for which `nix` has no safe wrapper. All of PID 1's unsafe code is here.
#![allow(unsafe_code)]

use crate::{Error, error::cannot};
use capelet_abi::ExitReason::{self, Exited, Signalled};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::Pid;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

/// A child that PID 1 has not reaped.
pub struct Child {
    /// Its process number. The kernel does not reuse it before PID 1 has reaped the child.
    pub pid: Pid,
    /// A pidfd. It becomes readable when the child ends.
    pub pidfd: OwnedFd,
}

/// Forks into new `namespaces` (`CLONE_NEW…`). Returns `None` in the child.
///
/// # Errors
///
/// The error of `clone`, for example `ENOMEM` or `EAGAIN`.
pub fn fork(namespaces: libc::c_int) -> Result<Option<Child>, Errno> {
    let flags = i64::from(namespaces | libc::CLONE_PIDFD | libc::SIGCHLD);
    let mut pidfd: RawFd = -1;
    // SAFETY: without CLONE_VM the child runs in a copy of this memory, as after fork(2). This process has one thread,
    // so the copy contains no lock of another thread. With a stack of 0 the child uses the copied stack. With
    // CLONE_PIDFD the kernel writes the descriptor to the third argument. The last two arguments belong to flags that
    // are not set.
    let pid = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) })?;
    match libc::pid_t::try_from(pid) {
        Ok(0) => Ok(None),
        // SAFETY: the kernel has just created this descriptor, and nothing else owns it.
        Ok(pid) => Ok(Some(Child { pid: Pid::from_raw(pid), pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })),
        Err(_) => Err(Errno::EOVERFLOW),
    }
}

/// Waits until a child ends, and reaps it. `nix`'s own `waitpid` fails if a real-time signal ended the child.
///
/// # Errors
///
/// [`Error::Step`] if the child cannot be reaped.
pub fn wait(child: &Child) -> Result<ExitReason, Error> {
    let mut status = 0;
    // SAFETY: the call writes to `status` only.
    Errno::result(unsafe { libc::waitpid(child.pid.as_raw(), &raw mut status, 0) }).map_err(cannot("reap a child"))?;
    let byte = |value| u8::try_from(value).unwrap_or(u8::MAX);
    let exited = libc::WIFEXITED(status);
    Ok(if exited { Exited(byte(libc::WEXITSTATUS(status))) } else { Signalled(byte(libc::WTERMSIG(status))) })
}

/// Removes every capability from the bounding set. Afterwards no program that this process starts can gain one.
///
/// # Errors
///
/// `EPERM` if this process must not do so.
pub fn empty_bounding_set() -> Result<(), Errno> {
    for capability in 0.. {
        // SAFETY: this operation of prctl(2) accesses no memory.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            // The number after the last capability that the kernel knows.
            Err(Errno::EINVAL) if capability > 0 => break,
            dropped => dropped?,
        };
    }
    Ok(())
}

/// Marks every descriptor from `first` on, so that it closes when this process executes a program.
///
/// # Errors
///
/// The error of `close_range`.
pub fn close_on_execute(first: libc::c_uint) -> Result<(), Errno> {
    let (last, flags) = (libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: close_range(2) accesses no memory, and with this flag it closes no descriptor now.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// Sets the system call filter of this process. Programs that it executes keep the filter.
///
/// # Errors
///
/// `E2BIG` if the filter has more than 65,535 instructions, otherwise the error of `seccomp`.
pub fn filter(instructions: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(instructions.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len, filter: instructions.as_ptr().cast_mut() };
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: pointer and length are those of one slice. The kernel copies the slice and does not write to it.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const program) }).map(drop)
}

/// Receives one message without waiting. Returns its length and its descriptors. A message that is longer than `buffer`
/// is truncated.
///
/// # Errors
///
/// `ENOBUFS` if the message has more than two descriptors, `EBADMSG` if it has other ancillary data, otherwise the
/// error of `recvmsg`.
pub fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let (mut parts, mut space) = ([IoSliceMut::new(buffer)], cmsg_space!([RawFd; 2]));
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        let ControlMessageOwned::ScmRights(received) = control else { return Err(Errno::EBADMSG) };
        // SAFETY: the kernel has just created these descriptors, and nothing else owns them.
        descriptors.extend(received.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
    }
    Ok((message.bytes, descriptors))
}
