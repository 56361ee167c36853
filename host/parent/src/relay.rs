//! Relays bytes in both directions between two connections, until both have ended or a limit is reached.

use crate::Error;
use crate::enclave_places::{EnclavePlace, Sender};
use crate::shutdown_signal::ShutdownSignal;
use crate::stream::Stream;
use nix::poll::PollFlags;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The most bytes of one direction that wait in memory.
const BUFFER: usize = 65_536;
/// How many reads and writes one direction makes before the other has its turn.
const TURNS: usize = 16;

/// The limits of one relay.
pub(crate) struct Bounds<'a> {
    /// How long no byte may pass.
    pub idle: Duration,
    /// The same after one side has ended.
    pub half_closed: Duration,
    /// When the relay must end.
    pub deadline: Instant,
    /// The most bytes in each direction.
    pub bytes: u64,
    /// What holds if the first side is a client and the second one the enclave.
    pub session: Option<SessionBounds<'a>>,
}

/// What holds for a client's session with the enclave.
///
/// The client has received nothing while the relay ends in [`Error::NotServed`] or [`Error::NoAnswer`], so that it can
/// still be told that there is no place.
pub(crate) struct SessionBounds<'a> {
    /// How long the enclave's first byte may take after the client's first one.
    pub first_answer: Duration,
    /// Where the relay notes who sent the last bytes, and the client's end.
    pub place: &'a EnclavePlace,
}

/// The result of one relay.
pub(crate) struct Carried {
    /// Bytes that were written to the second side.
    pub forth: u64,
    /// Bytes that were written to the first side.
    pub back: u64,
    /// `Ok` if the two sides ended it. Otherwise the limit, the fault or the shutdown that did.
    pub end: Result<(), Error>,
}

/// One side of a relay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Second,
}

/// Why a relay ended early.
struct Fault {
    /// Whose connection failed. `None` for a limit or the shutdown.
    side: Option<Side>,
    error: Error,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { side: None, error }
    }
}

impl Fault {
    fn of(side: Side) -> impl FnOnce(Error) -> Self {
        move |error| Self { side: Some(side), error }
    }
}

/// A side and its connection.
type End<'a> = (Side, &'a Stream);

struct Direction {
    /// Empty while no byte waits, so that an idle connection needs no buffer.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    source_ended: bool,
    done: bool,
    carried: u64,
    left: u64,
    /// Whether the end of a source that has sent nothing is an error.
    must_send: bool,
}

impl Direction {
    fn new(bytes: u64, must_send: bool) -> Self {
        let (source_ended, done) = (false, false);
        Self { buffer: Vec::new(), start: 0, end: 0, source_ended, done, carried: 0, left: bytes, must_send }
    }

    /// Whether the source has sent a byte, delivered or not.
    fn has_begun(&self) -> bool {
        self.carried > 0 || self.waits()
    }

    fn waits(&self) -> bool {
        self.start < self.end
    }

    /// Carries the bytes that can pass now. Returns whether any passed.
    fn advance(&mut self, (source, from): End<'_>, (target, to): End<'_>, readable: bool) -> Result<bool, Fault> {
        if self.done || !(readable || self.waits()) {
            return Ok(false);
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER];
        }
        let mut moved = false;
        for _ in 0..TURNS {
            if !self.waits() {
                match from.read(&mut self.buffer).map_err(Fault::of(source))? {
                    None => break,
                    Some(0) if self.must_send && self.carried == 0 => return Err(Error::NotServed.into()),
                    Some(0) => {
                        self.source_ended = true;
                        break;
                    }
                    Some(count) => {
                        self.left = self.left.checked_sub(count as u64).ok_or(Error::TooManyBytes)?;
                        (self.start, self.end) = (0, count);
                    }
                }
            }
            match to.write(&self.buffer[self.start..self.end]).map_err(Fault::of(target))? {
                None => break,
                Some(count) => {
                    self.start += count;
                    self.carried += count as u64;
                    moved = true;
                }
            }
        }
        if !self.waits() {
            self.buffer = Vec::new();
            if self.source_ended {
                to.end_writing();
                self.done = true;
                // The end of one side counts as activity: the other side gets the full time to answer.
                moved = true;
            }
        }
        Ok(moved)
    }
}

/// Relays until both sides have ended. The caller closes both connections afterwards, whatever the result is.
pub(crate) fn relay(first: &Stream, second: &Stream, bounds: &Bounds<'_>, shutdown: &ShutdownSignal) -> Carried {
    let mut forth = Direction::new(bounds.bytes, false);
    let mut back = Direction::new(bounds.bytes, bounds.session.is_some());
    let end = match carry(first, second, &mut forth, &mut back, bounds, shutdown) {
        Ok(()) => Ok(()),
        Err(Fault { side: Some(Side::Second), error: Error::Closed }) if back.must_send && !back.has_begun() => {
            Err(Error::NotServed)
        }
        // A side that closed without reading the rest has ended as well. TLS detects a truncation.
        Err(Fault { error: Error::Closed, .. }) => Ok(()),
        Err(Fault { error, .. }) => Err(error),
    };
    Carried { forth: forth.carried, back: back.carried, end }
}

fn carry(
    first: &Stream,
    second: &Stream,
    forth: &mut Direction,
    back: &mut Direction,
    bounds: &Bounds<'_>,
    shutdown: &ShutdownSignal,
) -> Result<(), Fault> {
    let mut moved_at = Instant::now();
    let mut asked_at: Option<Instant> = None;
    while !(forth.done && back.done) {
        let idle = if forth.done || back.done { bounds.half_closed } else { bounds.idle };
        let until = bounds.deadline.min(moved_at + idle);
        let unanswered = bounds.session.as_ref().zip(asked_at).filter(|_| !back.has_begun());
        let answer = unanswered.map(|(session, asked_at)| asked_at + session.first_answer);
        // A connection from which nothing is wanted is left out, because a closed one would be reported at every call.
        let wanted = [(first, interest(forth, back)), (second, interest(back, forth))]
            .map(|(stream, flags)| (!flags.is_empty()).then(|| (stream.as_fd(), flags)));
        let waited = shutdown.wait(wanted, Some(answer.map_or(until, |answer| answer.min(until))));
        if matches!(waited, Err(Error::Deadline)) && answer.is_some_and(|answer| answer <= until) {
            return Err(Error::NoAnswer.into());
        }
        let [at_first, at_second] = waited?;
        let (one, other) = ((Side::First, first), (Side::Second, second));
        let from_first = forth.advance(one, other, readable(at_first))?;
        let from_second = back.advance(other, one, readable(at_second))?;
        if from_first || from_second {
            moved_at = Instant::now();
            asked_at = asked_at.or((forth.carried > 0).then_some(moved_at));
        }
        if let Some(session) = &bounds.session {
            match (from_first, from_second) {
                (_, true) => session.place.note(Sender::Enclave),
                (true, false) => session.place.note(Sender::Client),
                (false, false) => {}
            }
            if forth.done {
                session.place.note_end();
            }
        }
    }
    Ok(())
}

/// The events to wait for on the connection from which `from` reads and to which `to` writes.
fn interest(from: &Direction, to: &Direction) -> PollFlags {
    let mut flags = PollFlags::empty();
    if !from.waits() && !from.source_ended {
        flags |= PollFlags::POLLIN;
    }
    if to.waits() {
        flags |= PollFlags::POLLOUT;
    }
    flags
}

/// Errors and the end of the other side are also found by reading.
fn readable(flags: PollFlags) -> bool {
    flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
}
