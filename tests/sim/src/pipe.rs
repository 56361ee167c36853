//! A connection in memory: two pipes. Every write is one frame.

use crate::faults::{Call, Fault};
use crate::run::Run;
use enclave_core::TransportError;
use enclave_core::crypto::sha256;
use enclave_core::encoding::Channel;
use enclave_core::platform::Connection;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    closed: bool,
}

/// One end of a connection.
pub struct End {
    run: Arc<Run>,
    /// The number of the session.
    pub session: usize,
    pipes: Arc<[Mutex<Pipe>; 2]>,
    /// The index of the pipe that this end reads. It writes to the other one.
    reads: usize,
    call: Call,
    exporter: [u8; 32],
}

/// Both ends of a session's connection: the client's and the enclave's.
pub fn connection(run: &Arc<Run>, session: usize, exporter: [u8; 32]) -> (End, End) {
    let pipes = Arc::new([Mutex::default(), Mutex::default()]);
    let end = |reads, call| End { run: run.clone(), session, pipes: pipes.clone(), reads, call, exporter };
    (end(0, Call::ToEnclave), end(1, Call::ToClient))
}

impl End {
    fn pipe(&self, index: usize) -> MutexGuard<'_, Pipe> {
        self.pipes[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scheduler's number for a pipe.
    fn id(&self, index: usize) -> usize {
        self.session * 2 + index
    }

    fn push(&self, bytes: &[u8]) {
        self.pipe(1 - self.reads).bytes.extend(bytes);
        self.run.scheduler.wake(self.id(1 - self.reads));
    }

    fn close(&self) {
        for index in 0..2 {
            self.pipe(index).closed = true;
            self.run.scheduler.wake(self.id(index));
        }
    }

    /// Allows both sides to wait in vain on this connection.
    fn mark_lossy(&self) {
        for index in 0..2 {
            self.run.scheduler.mark_lossy(self.id(index));
        }
    }

    /// A position in a frame: in its length, at the beginning of its content, or anywhere. It is chosen in proportion to
    /// the frame's length, because the seed does not decide how long a document is.
    fn position(&self, length: usize) -> usize {
        match self.run.faults.choose(4) {
            0 => self.run.faults.choose(2),
            1 => 4.min(length - 1),
            _ => self.run.faults.choose(65_536) * length / 65_536,
        }
    }

    /// Injects `fault` instead of sending `bytes`. `None` if the fault is not one of a frame.
    fn inject(&self, bytes: &[u8], fault: Fault) -> Option<()> {
        match fault {
            Fault::Cut => {
                self.push(&bytes[..self.position(bytes.len())]);
                self.close();
            }
            Fault::BitFlipped => {
                let mut bytes = bytes.to_vec();
                let (at, bit) = (self.position(bytes.len()), self.run.faults.choose(8));
                // In the length only the upper half is damaged. The lower half of a document's length does not depend on
                // the seed, so its damage could have different effects.
                bytes[if at < 4 { at % 2 } else { at }] ^= 1 << bit;
                self.push(&bytes);
            }
            Fault::Replayed => {
                self.push(bytes);
                self.push(bytes);
            }
            Fault::Dropped => {}
            _ => return None,
        }
        self.mark_lossy();
        Some(())
    }
}

impl Channel for End {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        loop {
            {
                let mut pipe = self.pipe(self.reads);
                if !pipe.bytes.is_empty() {
                    let count = buffer.len().min(pipe.bytes.len());
                    for (slot, byte) in buffer.iter_mut().zip(pipe.bytes.drain(..count)) {
                        *slot = byte;
                    }
                    return Ok(count);
                }
                if pipe.closed {
                    return Ok(0);
                }
            }
            if !self.run.scheduler.wait(self.id(self.reads)) {
                return Err(TransportError::TimedOut);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.run.scheduler.yield_turn();
        let fault = self.run.faults.at(self.call);
        if self.call == Call::ToClient && self.run.faults.dead() {
            self.close();
        }
        if self.pipe(1 - self.reads).closed {
            return Err(TransportError::Closed);
        }
        if let Some(fault) = fault
            && self.inject(bytes, fault).is_some()
        {
            self.run.hit(self.session, self.call, fault);
            return Ok(());
        }
        self.push(bytes);
        Ok(())
    }
}

impl Connection for End {
    fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], TransportError> {
        Ok(sha256(&[&self.exporter, label.as_bytes(), &[0], context]))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close();
    }
}
