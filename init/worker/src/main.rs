//! The worker: one process, one function, one run.
//!
//! 1. The worker has one descriptor: 0, a socket to the core. It closes all others before it reads the first byte, and
//!    it cannot open another. The output of a library that prints is lost.
//! 2. The worker reads the job ([`job`]), runs it ([`run`]) and writes frames ([`frames`]). The last frame reports how
//!    the run ended. Exit status 0 means only that this frame was written. [`error`] lists the other statuses.
//! 3. The function is WebAssembly. It reaches only [`wasi`]: its input, its read-only files, its output, the time and
//!    random bytes. Every address in a call is checked against its memory ([`wasi::guest`]).
//! 4. Only one place reports success ([`run::run`]), after the function has returned or exited with status 0.
//! 5. The function is hostile, and the interpreter may have faults. PID 1 confines this process with namespaces,
//!    seccomp and the deadline, and does not trust it.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod confine;
mod error;
mod frames;
mod job;
mod run;
mod socket;
mod state;
mod stop;
mod sys;
mod wasi;

use std::process::ExitCode;

use error::Error;
use frames::FrameWriter;
use socket::Socket;

fn main() -> ExitCode {
    // A panic ends the process, and PID 1 reports that to the core. Nobody could read the message.
    std::panic::set_hook(Box::new(|_| ()));
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.status()),
    }
}

fn work() -> Result<(), Error> {
    confine::process()?;
    let mut socket = Socket;
    let header = job::read_header(&mut socket)?;
    confine::memory(header.address_space())?;
    let job = job::read_job(header, &mut socket)?;
    let frames = FrameWriter::new(socket, job.header.limits.output);
    run::run(job, frames)
}
