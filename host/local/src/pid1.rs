//! PID 1's part on a laptop: starts workers for the core, ends them at their deadline, says how they ended. The
//! messages are those of the image (`capelet_job::spawn`); what is missing here are the namespaces and seccomp.

use crate::Error;
use capelet_job::spawn::{Ended, How, SPAWN_LEN, Spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketFlags, SocketType, recvmsg,
    send, socketpair,
};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, pidfd_open, prlimit};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Two ends of a socket: one for the core's descriptor 0, one for [`supervise`].
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).map_err(io::Error::from)
}

/// Serves the core until it closes its end. A message that is not of its form ends the service, and so the core.
pub fn supervise(socket: OwnedFd, worker: PathBuf) -> Result<(), Error> {
    let socket = Arc::new(socket);
    loop {
        let Some((spawn, descriptor)) = receive(&socket)? else { return Ok(()) };
        // Started here, as in the image: only the waiting has a thread of its own.
        let until = Instant::now() + Duration::from_millis(u64::from(spawn.deadline));
        let started = start(&worker, descriptor, spawn.memory);
        let socket = socket.clone();
        thread::spawn(move || {
            let how = started.map_or(How::NotStarted, |child| end(child, until));
            // A core that is gone needs no answer.
            let _ = send(&*socket, &Ended { job: spawn.job, how }.to_bytes(), SendFlags::NOSIGNAL);
        });
    }
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

/// Waits for a worker's end, at the latest until its deadline.
fn end(mut child: Child, until: Instant) -> How {
    let in_time = wait(&child, until);
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
fn start(worker: &Path, descriptor: OwnedFd, memory: u64) -> io::Result<Child> {
    let (out, err) = (descriptor.try_clone()?, descriptor.try_clone()?);
    let mut child = Command::new(worker)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(descriptor))
        .stdout(Stdio::from(out))
        .stderr(Stdio::from(err))
        .spawn()?;
    let limited = limit(&child, memory);
    if limited.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    limited.map(|()| child)
}

fn limit(child: &Child, memory: u64) -> io::Result<()> {
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    for (resource, value) in [(Resource::As, memory), (Resource::Core, 0), (Resource::Fsize, 0)] {
        prlimit(Some(pid(child)?), resource, at_most(value))?;
    }
    Ok(())
}

fn pid(child: &Child) -> io::Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput.into())
}

/// Whether the child ended before `until`.
fn wait(child: &Child, until: Instant) -> bool {
    let Ok(handle) = pid(child).and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?)) else { return false };
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) if ready > 0 => return true,
            Ok(_) if left.is_zero() => return false,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
