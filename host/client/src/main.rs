//! The program `capelet`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    capelet::cli::program::main(std::env::args_os().skip(1))
}
