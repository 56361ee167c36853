//! Workers: PID 1 starts them, and the core talks to each over a socketpair of its own.

use crate::note::note;
use crate::transport::transport_error;
use capelet_abi::{
    ExitReason, Frame, JobHeader, MAX_DIAGNOSTIC, MAX_WORKERS, OUTCOME_HEAD_LEN, Spawn, WORKER_EXIT_LEN,
    WORKER_REPORT_LEN, WorkerExit, WorkerReport,
};
use enclave_core::encoding::{SecretVec, allocate};
use enclave_core::platform::{Job, RunOutcome, RunOutput, WorkError};
use enclave_core::state::{Account, Pool};
use enclave_core::{Error, MessageKind, TransportError};
use nix::sys::socket::{ControlMessage, MsgFlags, recv, sendmsg};
use std::collections::BTreeMap;
use std::io::{IoSlice, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{process, thread};
use zeroize::Zeroizing;

/// The most runs that wait for a worker to end; a further one is [`Error::Busy`].
const MAX_WAITING: usize = 32;
/// How long a run waits for a worker to end before it is [`Error::Busy`].
const WAIT_FOR: Duration = Duration::from_secs(20);
/// How soon a run that waits for memory asks again: memory becomes free when no run ends, too.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How long after a worker's deadline PID 1 may take to report its end.
const REPORT_WITHIN: Duration = Duration::from_secs(5);
/// The memory for a short output, in bytes. It is not counted in what is reserved for a longer one.
const FIRST_OUTPUT: usize = 65_536;

/// The socket to PID 1, and the runs that wait for PID 1's reports.
pub(crate) struct Workers {
    socket: OwnedFd,
    runs: Arc<Mutex<Runs>>,
    /// Notified whenever a run ends.
    ended: Condvar,
}

struct Runs {
    next: u64,
    running: BTreeMap<u64, Sender<ExitReason>>,
    places: Pool,
    waiting: usize,
}

impl Runs {
    /// Takes a place for a worker, and then everything else that the run needs.
    fn admit(&mut self, account: Account, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<(), Error> {
        self.places.take(account, 1)?;
        admit().inspect_err(|_| self.places.give_back(account, 1))
    }
}

impl Workers {
    /// Starts the thread that receives PID 1's reports on `socket` (`SOCK_SEQPACKET`). If PID 1 ends or sends an invalid
    /// message, the thread ends the process.
    pub fn start(socket: OwnedFd) -> Result<Self, TransportError> {
        let places = Pool::new(MAX_WORKERS as u64);
        let runs = Arc::new(Mutex::new(Runs { next: 0, running: BTreeMap::new(), places, waiting: 0 }));
        let listening = socket.try_clone().map_err(|_| TransportError::Failed)?;
        let listened = runs.clone();
        let listen = move || {
            let mut buffer = [0; WORKER_EXIT_LEN + 1];
            while let Ok(length) = recv(listening.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                let Some(exit) = buffer.get(..length).and_then(WorkerExit::from_bytes) else { break };
                let run = listened.lock().unwrap_or_else(PoisonError::into_inner).running.remove(&exit.job);
                if let Some(run) = run {
                    // A run that no longer waits does not need the report.
                    let _ = run.send(exit.reason);
                }
            }
            note("capelet-core: PID 1 has ended or sent an invalid message");
            process::exit(1);
        };
        thread::Builder::new().name("workers".into()).spawn(listen).map_err(|_| TransportError::Failed)?;
        Ok(Self { socket, runs, ended: Condvar::new() })
    }

    /// Runs one job. See [`Platform::work`](enclave_core::platform::Platform::work).
    pub fn run(&self, job: &Job<'_>, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        let not_started = |_| WorkError::NotStarted(TransportError::Failed.into());
        let header = header(job).map_err(WorkError::NotStarted)?;
        let (ours, theirs) = UnixStream::pair().map_err(not_started)?;
        let run = self.spawn(job, header.address_space(), theirs, admit).map_err(WorkError::NotStarted)?;
        let until = Instant::now() + Duration::from_millis(job.time);
        let received = converse(ours, &header, job, until);
        let wait = until.saturating_duration_since(Instant::now()) + REPORT_WITHIN;
        let reason = run.exit.recv_timeout(wait).map_err(|_| WorkError::Lost(TransportError::Failed))?;
        let starved = matches!(received, Err(Error::Busy(_)));
        // What the worker sent before it broke off is dropped.
        let received = received.unwrap_or_default();
        let outcome = match reason {
            _ if starved => RunOutcome::Killed,
            ExitReason::Deadline => RunOutcome::TimedOut,
            ExitReason::Exited(0) => received.report.map_or(RunOutcome::Died, RunOutcome::Reported),
            ExitReason::Exited(_) => RunOutcome::Died,
            ExitReason::Signalled(_) => RunOutcome::Killed,
            ExitReason::NotStarted => return Err(WorkError::NotStarted(TransportError::Failed.into())),
        };
        Ok(RunOutput { outcome, output: received.output, diagnostic: received.diagnostic })
    }

    /// Waits until a further worker of this account may start and `admit` agrees, no longer than `within`. The lock is
    /// held on return.
    fn place(
        &self,
        account: Account,
        within: Duration,
        admit: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<MutexGuard<'_, Runs>, Error> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + WAIT_FOR.min(within);
        loop {
            match runs.admit(account, admit) {
                Ok(()) => return Ok(runs),
                Err(Error::Busy(_)) if runs.waiting < MAX_WAITING && Instant::now() < until => {}
                Err(error) => return Err(error),
            }
            runs.waiting += 1;
            let left = until.saturating_duration_since(Instant::now());
            runs = self.ended.wait_timeout(runs, left.min(ASK_AGAIN)).unwrap_or_else(PoisonError::into_inner).0;
            runs.waiting -= 1;
        }
    }

    /// Asks PID 1 for a worker that holds `theirs` and nothing else, if `admit` allows it.
    fn spawn(
        &self,
        job: &Job<'_>,
        memory: u64,
        theirs: UnixStream,
        admit: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Run<'_>, Error> {
        let (sender, exit) = channel();
        let mut runs = self.place(job.account, Duration::from_millis(job.start_within), admit)?;
        let number = runs.next;
        runs.next = number.wrapping_add(1);
        runs.running.insert(number, sender);
        drop(runs);
        let run = Run { workers: self, number, account: job.account, exit };
        let deadline = u32::try_from(job.time).unwrap_or(u32::MAX);
        let message = Spawn { job: number, deadline, memory }.to_bytes();
        let descriptors = [theirs.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let sent = sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(&message)], &rights, MsgFlags::empty(), None);
        if sent != Ok(message.len()) {
            return Err(TransportError::Failed.into());
        }
        Ok(run)
    }
}

/// A run that PID 1 was asked for. It is forgotten when dropped.
struct Run<'a> {
    workers: &'a Workers,
    number: u64,
    account: Account,
    exit: Receiver<ExitReason>,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let mut runs = self.workers.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.running.remove(&self.number);
        runs.places.give_back(self.account, 1);
        drop(runs);
        // Which of the runs that wait may start depends on their accounts.
        self.workers.ended.notify_all();
    }
}

/// What a worker sent.
#[derive(Default)]
struct Received {
    report: Option<WorkerReport>,
    output: SecretVec,
    diagnostic: Zeroizing<Vec<u8>>,
}

/// Hands the job over, then reads the worker's frames until its report.
fn converse(mut socket: UnixStream, header: &JobHeader, job: &Job<'_>, until: Instant) -> Result<Received, Error> {
    const MALFORMED: Error = Error::Malformed(MessageKind::Worker);
    send(&mut socket, header, job, until)?;
    let most = usize::try_from(job.limits.output).unwrap_or(usize::MAX);
    let mut received = Received::default();
    loop {
        let mut head = [0; OUTCOME_HEAD_LEN];
        read_exact(&mut socket, &mut head, until)?;
        let (frame, length) = Frame::parse(head).ok_or(MALFORMED)?;
        let mut content = Zeroizing::new(vec![0; length]);
        read_exact(&mut socket, &mut content, until)?;
        match frame {
            Frame::Output if received.output.len() + length > most => {
                return Ok(Received { report: Some(WorkerReport::Output), ..received });
            }
            Frame::Output => append(&mut received.output, &content, most)?,
            Frame::Diagnostic => {
                let room = MAX_DIAGNOSTIC - received.diagnostic.len().min(MAX_DIAGNOSTIC);
                let kept = content.get(..length.min(room)).unwrap_or_default();
                if received.diagnostic.capacity() == 0 {
                    // At once as long as it may become, because a vector that grows leaves copies behind.
                    *received.diagnostic = allocate(MAX_DIAGNOSTIC)?;
                }
                received.diagnostic.extend_from_slice(kept);
            }
            Frame::Report => {
                let report: [u8; WORKER_REPORT_LEN] = content.as_slice().try_into().map_err(|_| MALFORMED)?;
                let report = WorkerReport::from_bytes(report).ok_or(MALFORMED)?;
                return Ok(Received { report: Some(report), ..received });
            }
        }
    }
}

/// Appends `bytes` to a vector for at most `most` bytes, which is what memory was reserved for. It grows at most once: from
/// [`FIRST_OUTPUT`] to `most`, since the old and the new memory exist together. No copy of the plaintext is left behind.
fn append(to: &mut SecretVec, bytes: &[u8], most: usize) -> Result<(), Error> {
    let length = to.len() + bytes.len();
    if to.capacity() < length {
        let room = if length <= FIRST_OUTPUT { FIRST_OUTPUT.min(most) } else { most };
        let mut larger = SecretVec::with_capacity(room)?;
        larger.extend_from_slice(to);
        *to = larger;
    }
    to.extend_from_slice(bytes);
    Ok(())
}

/// The header of the job.
fn header(job: &Job<'_>) -> Result<JobHeader, Error> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| Error::TooLarge(MessageKind::Worker));
    let file = |(path, content): &(&str, &[u8])| Ok((path.as_bytes().to_vec(), length(content)?));
    Ok(JobHeader {
        entry_point: job.entry_point,
        limits: job.limits,
        now: job.now.get(),
        handler: job.handler.as_bytes().to_vec(),
        arguments: job.arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
        module: length(job.module)?,
        files: job.files.iter().map(file).collect::<Result<_, Error>>()?,
        input: job.input.len() as u64,
    })
}

fn send(socket: &mut UnixStream, header: &JobHeader, job: &Job<'_>, until: Instant) -> Result<(), Error> {
    let header = header.to_bytes().ok_or(Error::TooLarge(MessageKind::Worker))?;
    let contents = job.files.iter().map(|(_, content)| *content);
    for bytes in [header.as_slice(), job.module].into_iter().chain(contents).chain([job.input]) {
        socket.set_write_timeout(Some(left(until)?)).map_err(|_| TransportError::Failed)?;
        socket.write_all(bytes).map_err(|error| transport_error(&error))?;
    }
    Ok(())
}

fn read_exact(socket: &mut UnixStream, buffer: &mut [u8], until: Instant) -> Result<(), TransportError> {
    socket.set_read_timeout(Some(left(until)?)).map_err(|_| TransportError::Failed)?;
    socket.read_exact(buffer).map_err(|error| transport_error(&error))
}

fn left(until: Instant) -> Result<Duration, TransportError> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(TransportError::TimedOut) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    fn workers() -> (Workers, OwnedFd) {
        let (ours, pid1) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::empty()).unwrap();
        (Workers::start(ours).unwrap(), pid1)
    }

    /// A run whose request expires while it waits is not started.
    #[test]
    fn a_run_waits_for_a_place_no_longer_than_its_request_allows() {
        let (workers, pid1) = workers();
        let place = |account, within| workers.place(account, within, &mut || Ok(())).err();
        for _ in 0..MAX_WORKERS {
            assert_eq!(place(Account::ANYONE, Duration::ZERO), None);
        }
        let began = Instant::now();
        assert_eq!(place(Account::ANYONE, Duration::from_millis(10)), Some(Error::BUSY));
        assert!(began.elapsed() < WAIT_FOR / 2);
        assert_eq!(workers.runs.lock().unwrap().waiting, 0);
        // The listening thread would end this process if the other end were closed.
        std::mem::forget(pid1);
    }

    /// What is not admitted never reaches PID 1, and takes no place.
    #[test]
    fn a_run_that_is_not_admitted_is_not_started() {
        let (workers, pid1) = workers();
        let job = Job {
            entry_point: capelet_abi::EntryPoint::Command,
            handler: "",
            arguments: &[],
            module: b"module",
            files: &[],
            input: b"",
            limits: capelet_abi::JobLimits { memory: 1, output: 1, fuel: 1 },
            time: 1_000,
            account: Account::ANYONE,
            start_within: 10,
            now: enclave_core::UnixMillis::new(0),
        };
        let refused = workers.run(&job, &mut || Err(Error::BUSY)).err();
        assert_eq!(refused, Some(WorkError::NotStarted(Error::BUSY)));
        assert!(workers.runs.lock().unwrap().running.is_empty());
        assert_eq!(workers.runs.lock().unwrap().places.take(Account::ANYONE, MAX_WORKERS as u64), Ok(()));
        let received = recv(pid1.as_raw_fd(), &mut [0; 64], MsgFlags::MSG_DONTWAIT);
        assert_eq!(received, Err(nix::errno::Errno::EAGAIN));
        std::mem::forget(pid1);
    }

    #[test]
    fn a_growing_output_never_takes_more_than_was_reserved() {
        let mut output = SecretVec::default();
        for _ in 0..10 {
            append(&mut output, &[7; 10], 100).unwrap();
            assert!(output.capacity() <= 100);
        }
        assert_eq!(output.as_slice(), [7; 100]);
        // A long one grows once, so that it never exists beside another long one.
        let most = 5 * FIRST_OUTPUT;
        let mut output = SecretVec::default();
        for _ in 0..10 {
            append(&mut output, &[7; FIRST_OUTPUT / 2], most).unwrap();
            assert!([FIRST_OUTPUT, most].contains(&output.capacity()));
        }
        assert_eq!(output.len(), most);
    }

    /// Memory may become free when no run ends. A run whose worker has a place asks again until its time is over.
    #[test]
    fn a_run_waits_for_memory_and_for_its_accounts_share() {
        let (workers, pid1) = workers();
        let mut asked = 0;
        let mut admit = || {
            asked += 1;
            if asked < 3 { Err(Error::BUSY) } else { Ok(()) }
        };
        assert!(workers.place(Account::ANYONE, WAIT_FOR, &mut admit).is_ok());
        assert_eq!(asked, 3);
        workers.runs.lock().unwrap().places.give_back(Account::ANYONE, 1);

        let deployer = |byte| Account::new(Some(enclave_core::OwnerKey::new([byte; 32])), 2);
        let place = |account| workers.place(account, Duration::from_millis(10), &mut || Ok(())).is_ok();
        let taken = (0..MAX_WORKERS).filter(|_| place(deployer(1))).count();
        assert!(taken < MAX_WORKERS);
        assert!(place(deployer(2)));
        std::mem::forget(pid1);
    }
}
