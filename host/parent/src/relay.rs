//! Relays bytes in both directions between two connections, until both have ended or a limit is reached.

use crate::Error;
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
pub(crate) struct Bounds {
    /// How long no byte may pass.
    pub idle: Duration,
    /// The same after one side has ended.
    pub half_closed: Duration,
    /// When the relay must end.
    pub deadline: Instant,
    /// The most bytes in each direction.
    pub bytes: u64,
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

struct Direction {
    /// Empty while no byte waits, so that an idle connection needs no buffer.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    source_ended: bool,
    done: bool,
    carried: u64,
    left: u64,
}

impl Direction {
    fn new(bytes: u64) -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, source_ended: false, done: false, carried: 0, left: bytes }
    }

    fn waits(&self) -> bool {
        self.start < self.end
    }

    /// Carries the bytes that can pass now. Returns whether any passed.
    fn advance(&mut self, from: &Stream, to: &Stream, readable: bool) -> Result<bool, Error> {
        if self.done || !(readable || self.waits()) {
            return Ok(false);
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER];
        }
        let mut moved = false;
        for _ in 0..TURNS {
            if !self.waits() {
                match from.read(&mut self.buffer)? {
                    None => break,
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
            match to.write(&self.buffer[self.start..self.end])? {
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
pub(crate) fn relay(first: &Stream, second: &Stream, bounds: &Bounds, shutdown: &ShutdownSignal) -> Carried {
    let (mut forth, mut back) = (Direction::new(bounds.bytes), Direction::new(bounds.bytes));
    let end = match carry(first, second, &mut forth, &mut back, bounds, shutdown) {
        // A side that closed without reading the rest has ended as well. TLS detects a truncation.
        Err(Error::Closed) => Ok(()),
        end => end,
    };
    Carried { forth: forth.carried, back: back.carried, end }
}

fn carry(
    first: &Stream,
    second: &Stream,
    forth: &mut Direction,
    back: &mut Direction,
    bounds: &Bounds,
    shutdown: &ShutdownSignal,
) -> Result<(), Error> {
    let mut moved_at = Instant::now();
    while !(forth.done && back.done) {
        let idle = if forth.done || back.done { bounds.half_closed } else { bounds.idle };
        let until = bounds.deadline.min(moved_at + idle);
        // A connection from which nothing is wanted is left out, because a closed one would be reported at every call.
        let wanted = [(first, interest(forth, back)), (second, interest(back, forth))]
            .map(|(stream, flags)| (!flags.is_empty()).then(|| (stream.as_fd(), flags)));
        let [at_first, at_second] = shutdown.wait(wanted, Some(until))?;
        let moved =
            forth.advance(first, second, readable(at_first))? | back.advance(second, first, readable(at_second))?;
        if moved {
            moved_at = Instant::now();
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
