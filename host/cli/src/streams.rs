//! Standard input, output and error.
//!
//! No function here panics if a stream is closed, full or blocked. Programs use these functions in place of `println!`
//! and `eprintln!`, which end the process if the write fails.

use crate::printable;
use crate::startup::was_closed;
use crate::tone::{self, Tone};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdout};
use std::io::{self, IsTerminal as _, Read, Write};

/// Standard input.
///
/// # Errors
/// `EBADF` if it was closed when the program started. An empty input would be wrong: the user gave none.
pub fn input() -> io::Result<impl Read> {
    if was_closed(0) { Err(closed()) } else { Ok(io::stdin().lock()) }
}

/// Whether standard output can take a result. A program checks this before it does work whose result it prints.
///
/// # Errors
/// `EBADF` if it was closed when the program started.
pub fn check_output() -> io::Result<()> {
    if was_closed(1) { Err(closed()) } else { Ok(()) }
}

/// Standard output, without a buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_output()?;
        loop {
            match rustix::io::write(stdout(), bytes) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => {}
                // Another program made the shared description non-blocking.
                Err(Errno::AGAIN) => wait_until_writable()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wait_until_writable() -> io::Result<()> {
    match poll(&mut [PollFd::new(&stdout(), PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Prints a result on standard output, unchanged.
///
/// # Errors
/// The operating system's error if not all of it could be written.
pub fn print(bytes: &[u8]) -> io::Result<()> {
    Output.write_all(bytes)
}

/// Prints one line on standard error. Characters that could command a terminal are escaped, line ends too. A line that
/// begins with `Error:`, `Warning:` or `DEVELOPMENT:` has this word in red. If the write fails, the line is lost and nothing
/// else happens.
pub fn note(line: &str) {
    const ALARMING: [&str; 3] = ["Error:", "Warning:", "DEVELOPMENT:"];
    let line = printable::line(line);
    let alarming = ALARMING.iter().find_map(|word| Some((word, line.strip_prefix(word)?)));
    let text = match alarming {
        Some((word, rest)) => format!("{}{rest}\n", tone::paint(tone::Stream::Error, Tone::Bad, word)),
        None => format!("{line}\n"),
    };
    note_bytes(text.as_bytes());
}

/// Writes bytes to standard error, unchanged. If the write fails, they are lost and nothing else happens.
pub fn note_bytes(bytes: &[u8]) {
    // One system call for each line, as far as the system allows, so that lines of several processes do not mix.
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(stderr(), rest) {
            Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            _ => return,
        }
    }
}

/// Whether standard error is a terminal.
pub fn error_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output is a terminal.
pub fn output_is_terminal() -> bool {
    io::stdout().is_terminal()
}

fn closed() -> io::Error {
    Errno::BADF.into()
}
