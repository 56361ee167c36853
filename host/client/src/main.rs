//! The client's command line.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    capelet::cli::main(std::env::args_os().skip(1))
}
