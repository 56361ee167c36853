//! The system calls for which `nix` has no safe wrapper. All of PID 1's unsafe code is here.
#![allow(unsafe_code)]

use crate::{Error, error::cannot};
use capelet_abi::ExitReason::{self, Exited, Signalled};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::{Pid, read};
use std::hint::black_box;
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

/// `_IOW('R', 0x03, int[2])` in linux/random.h.
const RNDADDENTROPY: libc::Ioctl = 0x4008_5203;
/// `_IO('R', 0x07)` in linux/random.h.
const RNDRESEEDCRNG: libc::Ioctl = 0x5207;

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

/// Reads 64 bytes from `source`, adds them to the kernel's random pool and credits each of their bits. The kernel's
/// generator uses them from then on. `pool` is `/dev/random`. Returns how many bytes it read; if they are fewer than 64,
/// it adds nothing.
///
/// # Errors
///
/// The error of `source`, or `EPERM` if this process must not credit bits.
pub fn seed(pool: &OwnedFd, source: &OwnedFd) -> Result<usize, Errno> {
    /// `struct rand_pool_info` in linux/random.h: number of credited bits, number of bytes, bytes.
    #[repr(C)]
    struct Info(libc::c_int, libc::c_int, [u8; 64]);
    let mut info = Info(512, 64, [0; 64]);
    let length = read(source, &mut info.2)?;
    if length == info.2.len() {
        // SAFETY: the kernel reads the two numbers and 64 bytes, which are all in `info`. It writes nothing.
        Errno::result(unsafe { libc::ioctl(pool.as_raw_fd(), RNDADDENTROPY, &raw const info) })?;
        // SAFETY: this request accesses no memory.
        Errno::result(unsafe { libc::ioctl(pool.as_raw_fd(), RNDRESEEDCRNG) })?;
    }
    // Later keys depend on these bytes, so no copy stays here. `black_box` keeps the compiler from removing the write.
    info.2.fill(0);
    black_box(&info);
    Ok(length)
}

/// The core scheduling cookie of a process, or 0 if it has none. PID 0 is this process. The kernel never runs processes
/// with different cookies at the same time on two threads of one physical core.
///
/// # Errors
///
/// `ENODEV` if no physical core has two threads, otherwise the error of `prctl`.
pub fn cookie(of: libc::pid_t) -> Result<u64, Errno> {
    let (operation, scope, mut cookie) = (libc::PR_SCHED_CORE_GET, libc::PR_SCHED_CORE_SCOPE_THREAD, 0_u64);
    // SAFETY: this operation of prctl(2) writes eight bytes to `cookie`, and accesses no other memory.
    Errno::result(unsafe { libc::prctl(libc::PR_SCHED_CORE, operation, of, scope, &raw mut cookie) })?;
    Ok(cookie)
}

/// Gives this process a new core scheduling cookie. Threads and programs that it starts have the same one.
///
/// # Errors
///
/// `ENODEV` if no physical core has two threads, otherwise the error of `prctl`.
pub fn create_cookie() -> Result<(), Errno> {
    let (operation, scope, none) = (libc::PR_SCHED_CORE_CREATE, libc::PR_SCHED_CORE_SCOPE_THREAD, 0_u64);
    // SAFETY: this operation of prctl(2) accesses no memory.
    Errno::result(unsafe { libc::prctl(libc::PR_SCHED_CORE, operation, 0, scope, none) }).map(drop)
}

/// The state of a kind of speculation (`PR_SPEC_…`) in this process.
///
/// # Errors
///
/// `ENODEV` if the kernel does not know this kind.
pub fn speculation(kind: libc::c_ulong) -> Result<libc::c_uint, Errno> {
    // SAFETY: this operation of prctl(2) accesses no memory.
    let state = Errno::result(unsafe { libc::prctl(libc::PR_GET_SPECULATION_CTRL, kind, 0_u64, 0_u64, 0_u64) })?;
    Ok(state.cast_unsigned())
}

/// Disables a kind of speculation (`PR_SPEC_…`) in this process and in the programs that it executes. It cannot be
/// enabled again.
///
/// # Errors
///
/// The error of `prctl`.
pub fn disable_speculation(kind: libc::c_ulong) -> Result<(), Errno> {
    let disable = libc::c_ulong::from(libc::PR_SPEC_FORCE_DISABLE);
    // SAFETY: this operation of prctl(2) accesses no memory.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_SPECULATION_CTRL, kind, disable, 0_u64, 0_u64) }).map(drop)
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
