//! The supervisor: a loop that starts the workers for which the core asks, kills those that exceed their deadline, and
//! reports each worker's exit to the core. If the core sends an invalid message or ends, the enclave ends.

use crate::program::Program;
use crate::sys::{self, Child};
use crate::{Error, core_process, error::cannot, worker_process};
use capelet_abi::{ExitReason, MAX_WORKERS, SPAWN_LEN, Spawn, WorkerExit};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::*;
use std::convert::Infallible;
use std::io::stderr;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// The running core and its workers.
pub struct Supervisor {
    program: Program,
    core: Child,
    socket: OwnedFd,
    workers: Vec<Worker>,
    /// How many workers were started.
    count: u32,
}

/// A running worker.
struct Worker {
    child: Child,
    job: u64,
    until: Instant,
    killed: bool,
}

impl Supervisor {
    /// Starts the core and gives it the NSM. No other process has a descriptor of the NSM afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Step`] if no socket can be created, and the errors of [`core_process::start`].
    pub fn start(core: &Program, worker: Program, nsm: OwnedFd) -> Result<Self, Error> {
        let (family, kind) = (AddressFamily::Unix, SockType::SeqPacket);
        let (socket, theirs) =
            socketpair(family, kind, None, SockFlag::SOCK_CLOEXEC).map_err(cannot("make a socket"))?;
        let core = core_process::start(core, [theirs.as_fd(), nsm.as_fd(), stderr().as_fd()])?;
        Ok(Self { program: worker, core, socket, workers: Vec::new(), count: 0 })
    }

    /// Serves the core until the enclave must end.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] if the core ended, [`Error::Message`] if it sent an invalid message, [`Error::Step`] if a system
    /// call failed, for example because the core does not read its messages.
    pub fn serve(mut self) -> Result<Infallible, Error> {
        loop {
            self.turn()?;
        }
    }

    /// Waits for the next event, and handles every event that has occurred.
    fn turn(&mut self) -> Result<(), Error> {
        let mut ready = self.wait().map_err(cannot("wait for an event"))?.into_iter();
        if ready.next() == Some(true) {
            return Err(Error::Core(sys::wait(&self.core)?));
        }
        let asked = ready.next() == Some(true);
        let ended: Vec<Worker> = self.workers.extract_if(.., |_| ready.next() == Some(true)).collect();
        for worker in ended {
            self.reap(&worker)?;
        }
        self.kill_late()?;
        // Only one message per turn, so that a flood of messages delays no deadline.
        if asked { self.answer() } else { Ok(()) }
    }

    /// Waits for an event or the next deadline. Returns which of core, socket and workers are ready, in this order.
    fn wait(&self) -> Result<Vec<bool>, Errno> {
        let workers = self.workers.iter().map(|worker| &worker.child.pidfd);
        let all = [&self.core.pidfd, &self.socket].into_iter().chain(workers);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
        let next = self.workers.iter().filter(|worker| !worker.killed).map(|worker| worker.until).min();
        let timeout = next.map_or(PollTimeout::NONE, |until| {
            // Rounded up, because a timeout of 0 before the deadline would be a busy wait.
            let left = until.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        poll(&mut polled, timeout)?;
        Ok(polled.iter().map(|polled| polled.any() != Some(false)).collect())
    }

    /// Kills every worker whose deadline has passed. The worker is the first process of its namespace, so the kernel
    /// kills all others in it.
    fn kill_late(&mut self) -> Result<(), Error> {
        for worker in self.workers.iter_mut().filter(|worker| !worker.killed && worker.until <= Instant::now()) {
            kill(worker.child.pid, Signal::SIGKILL).map_err(cannot("kill a worker"))?;
            worker.killed = true;
        }
        Ok(())
    }

    /// Reaps a worker that has ended, and reports it to the core.
    fn reap(&self, worker: &Worker) -> Result<(), Error> {
        let reason = match sys::wait(&worker.child)? {
            ExitReason::Signalled(_) if worker.killed => ExitReason::Deadline,
            // This includes a worker that exited by itself just before PID 1 killed it.
            reason => reason,
        };
        self.report(worker.job, reason)
    }

    /// Reports a worker's exit to the core without waiting. A core that does not read must not delay any deadline.
    fn report(&self, job: u64, reason: ExitReason) -> Result<(), Error> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.socket.as_raw_fd(), &WorkerExit { job, reason }.to_bytes(), flags) {
            Err(Errno::EPIPE | Errno::ECONNRESET) => Err(self.end_core()),
            sent => sent.map(drop).map_err(cannot("report a worker's exit to the core")),
        }
    }

    /// Ends the core after it closed its socket, and returns why the enclave ends. Usually the core is already ending;
    /// then the error has the core's own status.
    fn end_core(&self) -> Error {
        let killed = kill(self.core.pid, Signal::SIGKILL).map_err(cannot("kill the core"));
        killed.and_then(|()| sys::wait(&self.core)).map_or_else(|error| error, Error::Core)
    }

    /// Receives the core's next message and starts the worker for which it asks.
    fn answer(&mut self) -> Result<(), Error> {
        // One byte longer than a message, so that a longer message is not mistaken for a valid one.
        let mut bytes = [0; SPAWN_LEN + 1];
        let (length, descriptors) = match sys::receive(&self.socket, &mut bytes) {
            // A core that ends before it has read all messages resets the socket.
            Ok((0, _)) | Err(Errno::ECONNRESET) => return Err(self.end_core()),
            received => received.map_err(cannot("receive the core's message"))?,
        };
        let spawn = bytes.get(..length).and_then(Spawn::from_bytes).ok_or(Error::Message)?;
        let [socket] = descriptors.as_slice() else { return Err(Error::Message) };
        // A worker must not get a descriptor with which it can reach more than the core.
        let unix = getsockname::<UnixAddr>(socket.as_raw_fd()).is_ok();
        if !unix || getsockopt(socket, sockopt::SockType) != Ok(SockType::Stream) {
            return Err(Error::Message);
        }
        if self.workers.len() >= MAX_WORKERS {
            return self.report(spawn.job, ExitReason::NotStarted);
        }
        let until = Instant::now() + Duration::from_millis(spawn.deadline.into());
        self.count = self.count.wrapping_add(1);
        match worker_process::start(&self.program, self.count, &spawn, socket) {
            Ok(child) => self.workers.push(Worker { child, job: spawn.job, until, killed: false }),
            // Memory may be short, which is temporary.
            Err(Error::NotStarted(_) | Error::Fork(_)) => self.report(spawn.job, ExitReason::NotStarted)?,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
