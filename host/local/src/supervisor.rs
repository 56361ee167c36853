//! PID 1's part on a laptop: it starts workers for the core, kills them at their deadline, and reports their exit.
//!
//! The messages are those of PID 1 (`capelet_abi`). Namespaces, seccomp and the limit on the number of workers are
//! missing: this supervisor does not confine a hostile core or worker.

use crate::Error;
use capelet_abi::{ExitReason, SPAWN_LEN, Spawn, WorkerExit};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType,
    recvmsg, send, shutdown, socketpair,
};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, prlimit};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Creates a socketpair: one end for [`supervise`], one for the core's descriptor 0.
///
/// # Errors
/// The error of `socketpair`.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(io::Error::from)
}

/// Serves the core until it closes its end of the socket. Kills the remaining workers before it returns.
///
/// # Errors
/// [`Error::Core`] if the core sends an invalid message, [`Error::System`] if receiving fails. The socket is then shut
/// down, which ends the core.
pub fn supervise(socket: OwnedFd, worker: PathBuf) -> Result<(), Error> {
    let socket = Arc::new(socket);
    let mut waiting: Vec<JoinHandle<()>> = Vec::new();
    let result = loop {
        let (spawn, descriptor) = match receive(&socket) {
            Ok(Some(message)) => message,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        // Each worker has a thread that waits for it. Workers are started here, one at a time, as in the image.
        let until = Instant::now() + Duration::from_millis(u64::from(spawn.deadline));
        let started = start(&worker, descriptor, &spawn);
        let socket = socket.clone();
        waiting.retain(|thread| !thread.is_finished());
        waiting.push(thread::spawn(move || {
            let reason = started.map_or(ExitReason::NotStarted, |child| wait_or_kill(child, &socket, until));
            let exit = WorkerExit { job: spawn.job, reason };
            // This fails if the core has ended, which then needs no report.
            let _ = send(&*socket, &exit.to_bytes(), SendFlags::NOSIGNAL);
        }));
    };
    // After an invalid message the core may still run. Shutting down the socket wakes the threads that wait for
    // workers.
    let _ = shutdown(&*socket, Shutdown::Both);
    for thread in waiting {
        // A thread that panicked has no result.
        let _ = thread.join();
    }
    result
}

/// Receives the next message and its descriptor. Returns `None` at the end of the stream.
fn receive(socket: &OwnedFd) -> Result<Option<(Spawn, OwnedFd)>, Error> {
    let mut bytes = [0; SPAWN_LEN + 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags);
    let received = received.map_err(|error| Error::System(error.into()))?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors: Vec<OwnedFd> = ancillary
        .drain()
        .flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        })
        .collect();
    let spawn = bytes.get(..received.bytes).and_then(Spawn::from_bytes);
    match (spawn, descriptors.pop(), descriptors.is_empty()) {
        (Some(spawn), Some(descriptor), true) => Ok(Some((spawn, descriptor))),
        _ => Err(Error::Core("sent an invalid message to PID 1")),
    }
}

/// Waits for a worker. Kills it at its deadline, or when the core ends.
fn wait_or_kill(mut child: Child, core: &OwnedFd, until: Instant) -> ExitReason {
    let in_time = ends_in_time(&child, core, until);
    if !in_time {
        // This fails if the worker has just ended by itself.
        let _ = child.kill();
    }
    match child.wait() {
        Ok(_) if !in_time => ExitReason::Deadline,
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => ExitReason::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => ExitReason::Signalled(signal.and_then(|signal| u8::try_from(signal).ok()).unwrap_or(0)),
        },
        Err(_) => ExitReason::NotStarted,
    }
}

/// Starts a worker. Its descriptors 0 to 2 are its socket. It inherits nothing else.
fn start(worker: &Path, descriptor: OwnedFd, spawn: &Spawn) -> io::Result<Child> {
    let (out, err) = (descriptor.try_clone()?, descriptor.try_clone()?);
    let mut child = Command::new(worker)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(descriptor))
        .stdout(Stdio::from(out))
        .stderr(Stdio::from(err))
        .spawn()?;
    let limited = limit(&child, spawn);
    if limited.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    limited.map(|()| child)
}

/// Limits the worker's memory, processor time and files, as PID 1 does. The limit of processor time ends the worker if
/// this process was killed and can no longer enforce the deadline.
fn limit(child: &Child, spawn: &Spawn) -> io::Result<()> {
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    let seconds = spawn.processor_seconds();
    let limits = [(Resource::Cpu, seconds), (Resource::As, spawn.memory), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, value) in limits {
        prlimit(Some(pid(child)?), resource, at_most(value))?;
    }
    Ok(())
}

fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput.into())
}

/// Waits for a worker. Returns whether it ended before `until` and before the core ended.
fn ends_in_time(child: &Child, core: &OwnedFd, until: Instant) -> bool {
    let Ok(handle) = pid(child).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?)) else { return false };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        // For the core's socket no event is requested, because poll always reports a hang-up.
        let mut polled = [PollFd::new(&handle, PollFlags::IN), PollFd::new(core, PollFlags::empty())];
        match poll(&mut polled, Some(&timeout)) {
            Ok(ready) if ready > 0 => return !polled[0].revents().is_empty(),
            Ok(_) if left.is_zero() => return false,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
