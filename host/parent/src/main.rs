//! `capelet-parent`: the program that runs on the parent instance, beside the enclave.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cli;
mod configure;
mod enclave;
mod serve;

use argh::FromArgs;
use cli::{Arguments, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words = cli::normalize_args(std::env::args().skip(1));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let arguments = match Arguments::from_args(&["capelet-parent"], &words) {
        Ok(arguments) => arguments,
        Err(exit) if exit.status.is_ok() => {
            println!("{}", exit.output);
            return ExitCode::SUCCESS;
        }
        Err(exit) => {
            eprintln!("Error: {} (usage)", exit.output.trim());
            return ExitCode::FAILURE;
        }
    };
    let done = match arguments.command {
        Command::Configure(configure) => configure::run(&configure),
        Command::Enclave(enclave) => enclave::run(enclave),
        Command::Serve(serve) => serve::run(serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error} ({})", error.code());
            if let Some(details) = error.details() {
                eprintln!("{details}");
            }
            ExitCode::FAILURE
        }
    }
}
