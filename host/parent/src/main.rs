//! `capelet-parent`: the program that runs on the parent instance, beside the enclave.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod configure;
mod enclave;
mod serve;

use capelet_cli::arguments::{Program, Stop, USAGE_STATUS};
use capelet_cli::{printable, streams};
use capelet_parent::Error;
use capelet_parent::cli::{Arguments, Command};
use std::env;
use std::process::ExitCode;

const PROGRAM: Program = Program::new("capelet-parent", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    let done = match PROGRAM.parse::<Arguments>(env::args_os().skip(1)) {
        Ok(parsed) => match parsed.arguments.command {
            Command::Configure(configure) => configure::run(&configure),
            Command::Enclave(enclave) => enclave::run(enclave),
            Command::Serve(serve) => serve::run(serve),
        },
        Err(Stop::Text(text)) => streams::print(text.as_bytes()).map_err(Error::Output),
        Err(Stop::Usage(error)) => {
            streams::note(&format!("Error: {} [usage]", error.message));
            streams::note_bytes(PROGRAM.usage::<Arguments>(&error.command).as_bytes());
            return ExitCode::from(USAGE_STATUS);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            streams::note(&format!("Error: {error} [{}]", error.code()));
            if let Some(details) = error.details() {
                streams::note_bytes(format!("{}\n", printable::lines(details.as_bytes())).as_bytes());
            }
            ExitCode::FAILURE
        }
    }
}
