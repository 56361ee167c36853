//! PID 1's part on a laptop: starts workers for the core, ends them at their deadline, says how they ended. The
//! messages are those of the image (`capelet_abi::spawn`); what is missing here are the namespaces and seccomp.

use crate::Error;
use capelet_abi::spawn::{Ended, How, SPAWN_LEN, Spawn};
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

/// Two ends of a socket: one for the core's descriptor 0, one for [`supervise`].
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(io::Error::from)
}

/// Serves the core until it closes its end, and returns when no worker is left. An invalid message ends the service, and
/// with it the core.
pub fn supervise(socket: OwnedFd, worker: PathBuf) -> Result<(), Error> {
    let socket = Arc::new(socket);
    let mut waiting: Vec<JoinHandle<()>> = Vec::new();
    let ended = loop {
        let (spawn, descriptor) = match receive(&socket) {
            Ok(Some(message)) => message,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        // Started here, as in the image: only the waiting has a thread of its own.
        let until = Instant::now() + Duration::from_millis(u64::from(spawn.deadline));
        let started = start(&worker, descriptor, &spawn);
        let socket = socket.clone();
        waiting.retain(|thread| !thread.is_finished());
        waiting.push(thread::spawn(move || {
            let how = started.map_or(How::NotStarted, |child| end(child, &socket, until));
            // A core that is gone needs no answer.
            let _ = send(&*socket, &Ended { job: spawn.job, how }.to_bytes(), SendFlags::NOSIGNAL);
        }));
    };
    // After an invalid message the core may live: this end of the socket tells the waiting threads.
    let _ = shutdown(&*socket, Shutdown::Both);
    for thread in waiting {
        // A thread that panicked has nothing to tell.
        let _ = thread.join();
    }
    ended
}

/// The next message and its one descriptor; none at the end.
fn receive(socket: &OwnedFd) -> Result<Option<(Spawn, OwnedFd)>, Error> {
    let mut bytes = [0; SPAWN_LEN + 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags).map_err(Error::pid1)?;
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
        _ => Err(Error::Core("it sent a message to PID 1 that is none")),
    }
}

/// Waits for a worker's end, at the latest until its deadline or the end of the core.
fn end(mut child: Child, core: &OwnedFd, until: Instant) -> How {
    let in_time = wait(&child, core, until);
    if !in_time {
        // It may have ended in this very moment; then there is nothing to kill.
        let _ = child.kill();
    }
    match child.wait() {
        Ok(_) if !in_time => How::Deadline,
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => How::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => How::Signalled(signal.and_then(|signal| u8::try_from(signal).ok()).unwrap_or(0)),
        },
        Err(_) => How::NotStarted,
    }
}

/// A worker with one socket as its descriptors 0 to 2, and nothing else of ours.
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

/// Memory and files as in the image. The limit of processor time ends a worker whose supervisor was killed after this: it
/// is longer than the deadline, which otherwise comes first.
fn limit(child: &Child, spawn: &Spawn) -> io::Result<()> {
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    let seconds = u64::from(spawn.deadline).div_ceil(1000) + 1;
    let limits = [(Resource::Cpu, seconds), (Resource::As, spawn.memory), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, value) in limits {
        prlimit(Some(pid(child)?), resource, at_most(value))?;
    }
    Ok(())
}

fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput.into())
}

/// Whether the child ended before `until`, and before the core did.
fn wait(child: &Child, core: &OwnedFd, until: Instant) -> bool {
    let Ok(handle) = pid(child).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?)) else { return false };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        // Of the core's socket only the hang-up is asked for, which poll always reports.
        let mut polled = [PollFd::new(&handle, PollFlags::IN), PollFd::new(core, PollFlags::empty())];
        match poll(&mut polled, Some(&timeout)) {
            Ok(ready) if ready > 0 => return !polled[0].revents().is_empty(),
            Ok(_) if left.is_zero() => return false,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
