//! Bytes both ways between two connections, until both have ended, or a bound is reached.

use crate::Error;
use crate::bell::Bell;
use crate::stream::Stream;
use nix::poll::PollFlags;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The most bytes of one direction that are held, and for no longer than the other side takes to read them.
const BUFFER: usize = 65_536;
/// How often a direction is served before the other has its turn.
const TURNS: usize = 16;

/// What one relay may take.
pub(crate) struct Bounds {
    /// How long nothing may pass.
    pub idle: Duration,
    /// The same, once one side has ended.
    pub half_closed: Duration,
    /// Until when it may last.
    pub deadline: Instant,
    /// Bytes each way.
    pub bytes: u64,
}

/// What it came to.
pub(crate) struct Carried {
    /// Bytes that the second side was given.
    pub forth: u64,
    /// Bytes that the first side was given.
    pub back: u64,
    /// Whether the sides ended it, and no bound, fault or end of the parent.
    pub end: Result<(), Error>,
}

struct Direction {
    /// Empty while nothing waits: an idle connection holds no memory.
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

    /// Carries what can be carried now; tells whether something was.
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
                // The end of one side is a sign of life: from now on the other has its time to answer.
                moved = true;
            }
        }
        Ok(moved)
    }
}

/// Relays until both sides have ended. Both connections are to be closed afterwards, whatever the end was.
pub(crate) fn relay(first: &Stream, second: &Stream, bounds: &Bounds, bell: &Bell) -> Carried {
    let (mut forth, mut back) = (Direction::new(bounds.bytes), Direction::new(bounds.bytes));
    let end = match carry(first, second, &mut forth, &mut back, bounds, bell) {
        // Whoever does not wait for the other's last words has ended too: TLS tells the other what is missing.
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
    bell: &Bell,
) -> Result<(), Error> {
    let mut moved_at = Instant::now();
    while !(forth.done && back.done) {
        let idle = if forth.done || back.done { bounds.half_closed } else { bounds.idle };
        let until = bounds.deadline.min(moved_at + idle);
        // Who is not waited for is left out: a closed connection reports itself again and again.
        let wanted = [(first, interest(forth, back)), (second, interest(back, forth))]
            .map(|(stream, flags)| (!flags.is_empty()).then(|| (stream.as_fd(), flags)));
        let [at_first, at_second] = bell.wait(wanted, Some(until))?;
        let moved =
            forth.advance(first, second, readable(at_first))? | back.advance(second, first, readable(at_second))?;
        if moved {
            moved_at = Instant::now();
        }
    }
    Ok(())
}

/// What is wanted of the connection from which `from` reads and to which `to` writes.
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

/// Also an error or the end of the other side is learned by reading.
fn readable(flags: PollFlags) -> bool {
    flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
}
