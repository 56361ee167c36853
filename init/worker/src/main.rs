//! The worker: one process, one function, one run.
//!
//! 1. It holds one descriptor, 0, a socket to the core. Everything else is closed before the first byte is read, and
//!    no descriptor can be opened any more. What a library would print goes nowhere.
//! 2. It reads the job ([`intake`]), runs it ([`run`]) and writes frames ([`outcome`]) of which the last says how it
//!    ended. Exit status 0 means that this last frame was written, nothing else; see [`error`] for the others.
//! 3. The function is WebAssembly and sees only [`wasi`]: its input, its files (read-only), its output, the time.
//!    Every address that it names is checked against its memory ([`wasi::guest`]).
//! 4. Success is said in one place, after the function really came to its end.
//! 5. The function is hostile, the interpreter may be broken: the walls around this process (namespaces, seccomp,
//!    the deadline) are the spawner's and do not trust anything that happens here.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod confine;
mod error;
mod intake;
mod outcome;
mod run;
mod socket;
mod stop;
mod sys;
mod wasi;

use std::process::ExitCode;

use error::Error;
use outcome::Frames;
use socket::Socket;

fn main() -> ExitCode {
    // A panic is the process' death, which the core sees; there is nobody to tell more.
    std::panic::set_hook(Box::new(|_| ()));
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.status()),
    }
}

fn work() -> Result<(), Error> {
    confine::process()?;
    let mut socket = Socket;
    let header = intake::header(&mut socket)?;
    confine::memory(header.address_space())?;
    let job = intake::job(header, &mut socket)?;
    let frames = Frames::new(socket, job.header.limits.output);
    run::run(job, frames)
}
