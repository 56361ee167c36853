//! `capelet-parent`: the program that runs on the parent instance, beside the enclave.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod configure;
mod enclave;
mod serve;

use capelet_cli::arguments::{self, Exit};
use capelet_cli::{printable, streams};
use capelet_parent::Error;
use capelet_parent::cli::{Arguments, Command};
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match arguments::parse::<Arguments>("capelet-parent", env::args_os().skip(1)) {
        Ok(arguments) => match arguments.command {
            Command::Configure(configure) => configure::run(&configure),
            Command::Enclave(enclave) => enclave::run(enclave),
            Command::Serve(serve) => serve::run(serve),
        },
        Err(Exit::Help(help)) => streams::print(help.as_bytes()).map_err(Error::Output),
        Err(Exit::Usage(wrong, _)) => {
            streams::note(&format!("Error: {wrong} (usage)"));
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            streams::note(&format!("Error: {error} ({})", error.code()));
            if let Some(details) = error.details() {
                streams::note_bytes(format!("{}\n", printable::lines(details.as_bytes())).as_bytes());
            }
            ExitCode::FAILURE
        }
    }
}
