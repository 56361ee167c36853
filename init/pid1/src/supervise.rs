//! The loop: starts what the core asks for, ends what is late, says what ended. Whatever the core sends that is not a
//! message, and the core's end, end the machine.

use crate::child::Program;
use crate::sys::{self, Child};
use crate::{Error, core, worker};
use capelet_abi::spawn::{Ended, How, SPAWN_LEN, Spawn};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::*;
use std::convert::Infallible;
use std::io::stderr;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// The most workers at a time. The core keeps to it by itself.
pub const MAX_WORKERS: usize = 8;

/// The enclave at work.
pub struct Service {
    worker: Program,
    core: Child,
    socket: OwnedFd,
    runs: Vec<Run>,
    /// How many workers there were.
    count: u32,
}

/// A worker.
struct Run {
    child: Child,
    job: u64,
    until: Instant,
    killed: bool,
}

impl Service {
    /// Starts the core. The NSM is its alone from now on.
    pub fn start(core: &Program, worker: Program, nsm: OwnedFd) -> Result<Self, Error> {
        let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
        let (socket, theirs) = socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC).map_err(Error::Channel)?;
        let core = core::start(core, [theirs.as_fd(), nsm.as_fd(), stderr().as_fd()])?;
        Ok(Self { worker, core, socket, runs: Vec::new(), count: 0 })
    }

    /// Serves the core until the machine has to end.
    pub fn serve(mut self) -> Result<Infallible, Error> {
        loop {
            self.turn()?;
        }
    }

    /// Waits for whatever comes first, and deals with all that has come.
    fn turn(&mut self) -> Result<(), Error> {
        let mut ready = self.wait().map_err(Error::Wait)?.into_iter();
        if ready.next() == Some(true) {
            return Err(Error::Core(sys::wait(&self.core)?));
        }
        let asked = ready.next() == Some(true);
        let ended: Vec<Run> = self.runs.extract_if(.., |_| ready.next() == Some(true)).collect();
        for run in ended {
            self.reap(&run)?;
        }
        self.kill_late()?;
        // One message a turn: however many come, no deadline is late because of them.
        if asked { self.answer() } else { Ok(()) }
    }

    /// Which of core, socket and workers have something to say, in this order; none if a deadline came first.
    fn wait(&self) -> Result<Vec<bool>, Errno> {
        let workers = self.runs.iter().map(|run| &run.child.ended);
        let all = [&self.core.ended, &self.socket].into_iter().chain(workers);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        let next = self.runs.iter().filter(|run| !run.killed).map(|run| run.until).min();
        let timeout = next.map_or(PollTimeout::NONE, |until| {
            // Up, not down: a timeout of 0 before the deadline would be a busy wait.
            let left = until.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        poll(&mut polled, timeout)?;
        Ok(polled.iter().map(|polled| polled.any() != Some(false)).collect())
    }

    /// Kills whatever is over its deadline: the worker is the first process of its namespace, all others go with it.
    fn kill_late(&mut self) -> Result<(), Error> {
        for run in self.runs.iter_mut().filter(|run| !run.killed && run.until <= Instant::now()) {
            kill(run.child.pid, Signal::SIGKILL).map_err(Error::Kill)?;
            run.killed = true;
        }
        Ok(())
    }

    /// Takes leave of a worker that has ended.
    fn reap(&self, run: &Run) -> Result<(), Error> {
        let how = match sys::wait(&run.child)? {
            // (Else it ended by itself in the moment in which it was killed.)
            How::Signalled(_) if run.killed => How::Deadline,
            how => how,
        };
        self.tell(run.job, how)
    }

    /// Tells the core, without waiting: one that does not listen could otherwise stop the clock of all.
    fn tell(&self, job: u64, how: How) -> Result<(), Error> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.socket.as_raw_fd(), &Ended { job, how }.to_bytes(), flags) {
            Err(Errno::EPIPE | Errno::ECONNRESET) => Err(self.end_core()),
            sent => sent.map(drop).map_err(Error::Tell),
        }
    }

    /// Why the enclave ends once the core has closed its socket. Most likely it is ending, and its status is the reason;
    /// if not, it ends now.
    fn end_core(&self) -> Error {
        let ended = kill(self.core.pid, Signal::SIGKILL).map_err(Error::Kill).and_then(|()| sys::wait(&self.core));
        ended.map_or_else(|error| error, Error::Core)
    }

    /// Takes the core's next message and starts what it asks for.
    fn answer(&mut self) -> Result<(), Error> {
        // One byte more than a message: a longer one is none.
        let mut bytes = [0; SPAWN_LEN + 1];
        let (length, descriptors) = match sys::receive(&self.socket, &mut bytes) {
            // A core that ends without having read what it was told resets the socket.
            Ok((0, _)) | Err(Errno::ECONNRESET) => return Err(self.end_core()),
            received => received.map_err(Error::Receive)?,
        };
        let spawn = bytes.get(..length).and_then(Spawn::from_bytes).ok_or(Error::Message)?;
        let [socket] = descriptors.as_slice() else { return Err(Error::Message) };
        // Nothing by which a worker could reach further than to the core.
        let unix = getsockname::<UnixAddr>(socket.as_raw_fd()).is_ok();
        if !unix || getsockopt(socket, sockopt::SockType) != Ok(SockType::Stream) {
            return Err(Error::Message);
        }
        if self.runs.len() >= MAX_WORKERS {
            return self.tell(spawn.job, How::NotStarted);
        }
        let until = Instant::now() + Duration::from_millis(spawn.deadline.into());
        self.count = self.count.wrapping_add(1);
        match worker::start(&self.worker, self.count, &spawn, socket) {
            Ok(child) => self.runs.push(Run { child, job: spawn.job, until, killed: false }),
            // Memory may be short; that passes.
            Err(Error::NotStarted(_) | Error::Clone(_)) => self.tell(spawn.job, How::NotStarted)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
