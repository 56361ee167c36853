//! The start, the wait and the exit of this package's programs.

use crate::{Address, Error};
use argh::{ArgsInfo, FromArgs};
use capelet_cli::arguments::{Program, Stop, USAGE_STATUS};
use capelet_cli::streams;
use std::env;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// Runs a program: parses its arguments, calls `run`, and prints an error. Returns the exit status.
pub fn main<T: FromArgs + ArgsInfo>(name: &'static str, run: impl FnOnce(T) -> Result<(), Error>) -> ExitCode {
    let program = Program::new(name, env!("CARGO_PKG_VERSION"));
    match program.parse(env::args_os().skip(1)) {
        Ok(parsed) => exit(run(parsed.arguments)),
        Err(Stop::Text(text)) => match streams::print(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                streams::note(&format!("Error: standard output cannot be written ({error}); check where it goes"));
                ExitCode::FAILURE
            }
        },
        Err(Stop::Usage(error)) => {
            streams::note(&format!("Error: {}", error.message));
            streams::note_bytes(program.usage::<T>(&error.command).as_bytes());
            ExitCode::from(USAGE_STATUS)
        }
    }
}

/// Prints one line of JSON with the address, and with the path of the TLS root if there is one.
///
/// The process that started the program waits for this line.
pub fn announce(address: &Address, root: Option<&Path>) {
    let mut line = serde_json::json!({ "development": true, "address": address.to_string() });
    if let Some(root) = root {
        line["root"] = serde_json::json!(root);
    }
    // A failure means that nobody reads standard output, so nobody waits for the line.
    let _ = streams::print(format!("{line}\n").as_bytes());
}

/// Waits until standard input ends, or for ever if `until_eof` is false.
pub fn wait(until_eof: bool) {
    if until_eof {
        // A standard input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        return;
    }
    loop {
        thread::park();
    }
}

/// The exit status for a result. An error is printed to standard error.
fn exit(done: Result<(), Error>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            streams::note(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}
