//! How a program runs a command and ends: an error becomes a line, the object of `-o json`, and the exit status.

use crate::arguments::{Parsed, Program, Stop, USAGE_STATUS, UsageError};
use crate::envelope::{self, Envelope};
use crate::format::Format;
use crate::{printable, streams};
use argh::{ArgsInfo, FromArgs};
use serde_json::Value;
use std::cell::Cell;
use std::env;
use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// An error of a program. Its text is one sentence that says what is wrong and what to do.
pub trait CommandError: Display {
    /// The error of an invalid command line. `message` is one sentence.
    fn usage(message: String) -> Self;

    /// The error of a write to standard output.
    fn output(error: io::Error) -> Self;

    /// The stable code, on which scripts can rely.
    fn code(&self) -> &'static str;

    /// Whether the command line is what is wrong, so that nothing was begun.
    fn is_usage(&self) -> bool;

    /// Further lines for standard error.
    fn details(&self) -> Option<&str> {
        None
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Invocation {
    command: String,
    format: Format,
    development: Cell<bool>,
}

impl Invocation {
    /// Whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Records that what is printed from here on rests on a development root or a development image, if `development`.
    pub fn mark_development(&self, development: bool) {
        self.development.set(self.development.get() || development);
    }

    /// Prints the JSON object with the command's own `members`.
    ///
    /// # Errors
    /// [`CommandError::output`].
    pub fn print<E: CommandError>(&self, members: Value) -> Result<(), E> {
        envelope::print(&self.envelope().with(members)).map_err(E::output)
    }

    fn envelope(&self) -> Envelope<'_> {
        Envelope::new(&self.command, self.development.get())
    }
}

impl Program {
    /// Runs the program with the arguments of this process. `format` is the format of the results of a command, and `run`
    /// runs it.
    ///
    /// An error is printed, and the exit status is 1, or [`USAGE_STATUS`] if the command line is invalid.
    pub fn main<T: FromArgs + ArgsInfo, E: CommandError>(
        &self,
        format: impl FnOnce(&T) -> Format,
        run: impl FnOnce(T, &Invocation) -> Result<(), E>,
    ) -> ExitCode {
        let invoked = |command, format| Invocation { command, format, development: Cell::new(self.is_development()) };
        let (invocation, done) = match self.parse::<T>(env::args_os().skip(1)) {
            Ok(Parsed { arguments, command }) => {
                let invocation = invoked(command, format(&arguments));
                let done = run(arguments, &invocation);
                (invocation, done)
            }
            Err(Stop::Text(text)) => {
                (invoked(String::new(), Format::Plain), streams::print(text.as_bytes()).map_err(E::output))
            }
            Err(Stop::Usage(error)) => (invoked(error.command.clone(), error.format()), Err(E::usage(error.message))),
        };
        let Err(error) = done else { return ExitCode::SUCCESS };
        let message = error.to_string();
        streams::note(&error_line(&message, error.code()));
        if let Some(details) = error.details() {
            streams::note_bytes(format!("{}\n", printable::lines(details.as_bytes())).as_bytes());
        }
        if invocation.is_json() {
            // If this fails too, the exit status still reports the failure.
            let _ = envelope::print(&invocation.envelope().failed(envelope::error(error.code(), &message)));
        }
        self.failed::<T>(&invocation.command, error.is_usage())
    }

    /// The exit status of a command that failed. The usage of the command is printed if the command line is what is wrong.
    pub fn failed<T: FromArgs>(&self, command: &str, is_usage: bool) -> ExitCode {
        if !is_usage {
            return ExitCode::FAILURE;
        }
        streams::note_bytes(self.usage::<T>(command).as_bytes());
        ExitCode::from(USAGE_STATUS)
    }
}

impl UsageError {
    /// The format in which the error is reported. A command line that asks for JSON among other formats gets JSON.
    pub fn format(&self) -> Format {
        let asks_for_json = self.outputs.iter().any(|output| output == Format::Json.name());
        if asks_for_json { Format::Json } else { Format::Plain }
    }
}

/// The line that reports an error.
pub fn error_line(message: &str, code: &str) -> String {
    format!("Error: {message} [{code}]")
}
