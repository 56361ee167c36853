//! Workers: PID 1 forks them, the core talks to each over a socketpair of its own.

use crate::transport::down;
use capelet_abi::job::Header;
use capelet_abi::outcome::{END_LEN, End, Frame, HEAD_LEN, MAX_DIAGNOSTIC};
use capelet_abi::spawn::{ENDED_LEN, Ended as Gone, How, Spawn};
use enclave_core::error::{Down, Error, Part};
use enclave_core::platform::{Ended, Job, Outcome};
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

/// The most workers at a time.
pub const MAX_WORKERS: usize = 8;
/// The most runs that wait for a worker's place; one more is [`Error::Busy`].
pub const MAX_WAITING: usize = 32;
/// How long a run waits for a place before it is [`Error::Busy`].
const PATIENCE: Duration = Duration::from_secs(20);
/// How much longer than its deadline a worker's end may take to be told.
const GRACE: Duration = Duration::from_secs(5);
/// The socket to PID 1 and the runs that wait for word from it.
pub struct Workers {
    socket: OwnedFd,
    waiting: Arc<Mutex<Waiting>>,
    /// Told whenever a place becomes free.
    freed: Condvar,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    runs: BTreeMap<u64, Sender<How>>,
    queue: usize,
}

impl Workers {
    /// Listens for PID 1 on `socket` (`SOCK_SEQPACKET`). When PID 1 is gone or talks nonsense, so is this process.
    pub fn start(socket: OwnedFd) -> Result<Self, Down> {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (listening, runs) = (socket.try_clone().map_err(|_| Down::Failed)?, waiting.clone());
        let listen = move || {
            let mut buffer = [0; ENDED_LEN + 1];
            while let Ok(length) = recv(listening.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                let Some(gone) = buffer.get(..length).and_then(Gone::from_bytes) else { break };
                let run = runs.lock().unwrap_or_else(PoisonError::into_inner).runs.remove(&gone.job);
                if let Some(run) = run {
                    // Whoever no longer waits does not need to know.
                    let _ = run.send(gone.how);
                }
            }
            eprintln!("capelet-core: PID 1 is gone");
            process::exit(1);
        };
        thread::Builder::new().name("workers".into()).spawn(listen).map_err(|_| Down::Failed)?;
        Ok(Self { socket, waiting, freed: Condvar::new() })
    }

    /// Runs one job.
    pub fn run(&self, job: &Job<'_>) -> Result<Outcome, Error> {
        let header = header(job)?;
        let (ours, theirs) = UnixStream::pair().map_err(|_| Down::Failed)?;
        let ticket = self.spawn(job, header.address_space(), theirs)?;
        let until = Instant::now() + Duration::from_millis(job.time);
        let said = converse(ours, &header, job, until);
        let wait = until.saturating_duration_since(Instant::now()) + GRACE;
        let how = ticket.gone.recv_timeout(wait).map_err(|_| Down::Failed)?;
        let (said, output, diagnostic) = match said {
            Ok(said) => said,
            Err(Error::Malformed(_) | Error::Down(_)) => Said::default().parts(),
            Err(other) => return Err(other),
        };
        let ended = match how {
            How::Deadline => Ended::Deadline,
            How::Exited(0) => said.map_or(Ended::Died, Ended::Said),
            How::Exited(_) | How::Signalled(_) => Ended::Died,
            How::NotStarted => return Err(Error::Down(Down::Failed)),
        };
        Ok(Outcome { ended, output, diagnostic })
    }

    /// Waits for a place among the workers, with the lock held on return; no longer than `within`.
    fn place(&self, within: Duration) -> Result<MutexGuard<'_, Waiting>, Error> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.runs.len() < MAX_WORKERS {
            return Ok(waiting);
        }
        if waiting.queue >= MAX_WAITING {
            return Err(Error::Busy);
        }
        waiting.queue += 1;
        let full = |waiting: &mut Waiting| waiting.runs.len() >= MAX_WORKERS;
        let woken = self.freed.wait_timeout_while(waiting, PATIENCE.min(within), full);
        let (mut waiting, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
        waiting.queue -= 1;
        if timeout.timed_out() { Err(Error::Busy) } else { Ok(waiting) }
    }

    /// Asks PID 1 for a worker that holds `theirs` and nothing else.
    fn spawn(&self, job: &Job<'_>, memory: u64, theirs: UnixStream) -> Result<Ticket<'_>, Error> {
        let (sender, gone) = channel();
        let mut waiting = self.place(Duration::from_millis(job.within))?;
        let number = waiting.next;
        waiting.next = number.wrapping_add(1);
        waiting.runs.insert(number, sender);
        drop(waiting);
        let ticket = Ticket { workers: self, number, gone };
        let deadline = u32::try_from(job.time).unwrap_or(u32::MAX);
        let message = Spawn { job: number, deadline, memory }.to_bytes();
        let descriptors = [theirs.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let sent = sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(&message)], &rights, MsgFlags::empty(), None);
        if sent != Ok(message.len()) {
            return Err(Error::Down(Down::Failed));
        }
        Ok(ticket)
    }
}

/// A run that PID 1 knows of; forgotten when dropped.
struct Ticket<'a> {
    workers: &'a Workers,
    number: u64,
    gone: Receiver<How>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.workers.waiting.lock().unwrap_or_else(PoisonError::into_inner).runs.remove(&self.number);
        self.workers.freed.notify_one();
    }
}

#[derive(Default)]
struct Said {
    output: Zeroizing<Vec<u8>>,
    diagnostic: Zeroizing<Vec<u8>>,
}

type Parts = (Option<End>, Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl Said {
    fn parts(self) -> Parts {
        (None, self.output, self.diagnostic)
    }

    fn ended(self, end: End) -> Parts {
        (Some(end), self.output, self.diagnostic)
    }
}

/// Hands the job over, then reads what the worker says. Whatever is not of the form is as if it had not been said.
fn converse(mut socket: UnixStream, header: &Header, job: &Job<'_>, until: Instant) -> Result<Parts, Error> {
    send(&mut socket, header, job, until)?;
    let most = usize::try_from(job.limits.output).unwrap_or(usize::MAX);
    let mut said = Said::default();
    loop {
        let mut head = [0; HEAD_LEN];
        read_exact(&mut socket, &mut head, until)?;
        let (frame, length) = Frame::parse(head).ok_or(Error::Malformed(Part::Job))?;
        let mut content = Zeroizing::new(vec![0; length]);
        read_exact(&mut socket, &mut content, until)?;
        match frame {
            Frame::Output if said.output.len() + length > most => return Ok(said.ended(End::Output)),
            Frame::Output => append(&mut said.output, &content),
            Frame::Diagnostic => {
                let room = MAX_DIAGNOSTIC - said.diagnostic.len().min(MAX_DIAGNOSTIC);
                append(&mut said.diagnostic, content.get(..length.min(room)).unwrap_or_default());
            }
            Frame::End => {
                let end: [u8; END_LEN] = content.as_slice().try_into().map_err(|_| Error::Malformed(Part::Job))?;
                let end = End::from_bytes(end).ok_or(Error::Malformed(Part::Job))?;
                return Ok(said.ended(end));
            }
        }
    }
}

/// Appends without leaving a copy of the plaintext behind when the vector grows.
fn append(to: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if to.capacity() - to.len() < bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((to.len() + bytes.len()) * 2));
        larger.extend_from_slice(to);
        *to = larger;
    }
    to.extend_from_slice(bytes);
}

/// What the worker is told in front of the bytes.
fn header(job: &Job<'_>) -> Result<Header, Error> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| Error::TooLarge(Part::Job));
    let file = |(path, content): &(&str, &[u8])| Ok((path.as_bytes().to_vec(), length(content)?));
    Ok(Header {
        kind: job.kind,
        limits: job.limits,
        now: job.now,
        handler: job.handler.as_bytes().to_vec(),
        arguments: job.arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(),
        module: length(job.module)?,
        files: job.files.iter().map(file).collect::<Result<_, Error>>()?,
        input: job.input.len() as u64,
    })
}

fn send(socket: &mut UnixStream, header: &Header, job: &Job<'_>, until: Instant) -> Result<(), Error> {
    let header = header.to_bytes().ok_or(Error::TooLarge(Part::Job))?;
    let contents = job.files.iter().map(|(_, content)| *content);
    for bytes in [header.as_slice(), job.module].into_iter().chain(contents).chain([job.input]) {
        socket.set_write_timeout(Some(left(until)?)).map_err(|_| Down::Failed)?;
        socket.write_all(bytes).map_err(|error| down(&error))?;
    }
    Ok(())
}

fn read_exact(socket: &mut UnixStream, buffer: &mut [u8], until: Instant) -> Result<(), Down> {
    socket.set_read_timeout(Some(left(until)?)).map_err(|_| Down::Failed)?;
    socket.read_exact(buffer).map_err(|error| down(&error))
}

fn left(until: Instant) -> Result<Duration, Down> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Down::Deadline) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    /// A request that has grown too old while it waited is not started, however patient the core is.
    #[test]
    fn a_place_is_waited_for_only_so_long() {
        let (ours, pid1) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::empty()).unwrap();
        let workers = Workers::start(ours).unwrap();
        let (sender, _gone) = channel();
        for number in 0..MAX_WORKERS as u64 {
            assert!(workers.place(Duration::ZERO).is_ok());
            workers.waiting.lock().unwrap().runs.insert(number, sender.clone());
        }
        let began = Instant::now();
        assert_eq!(workers.place(Duration::from_millis(10)).err(), Some(Error::Busy));
        assert!(began.elapsed() < PATIENCE / 2);
        assert_eq!(workers.waiting.lock().unwrap().queue, 0);
        // Were PID 1 gone, so would this process be.
        std::mem::forget(pid1);
    }
}
