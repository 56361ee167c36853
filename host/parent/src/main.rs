//! `capelet-parent`: the program that runs on the parent instance, beside the enclave.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod configure;
mod enclave;
mod serve;

use capelet_cli::arguments::Program;
use capelet_parent::cli::{Arguments, Command};
use std::process::ExitCode;

const PROGRAM: Program = Program::new("capelet-parent", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    PROGRAM.main(
        |arguments: &Arguments| arguments.command.output(),
        |arguments, invocation| match arguments.command {
            Command::Configure(configure) => configure::run(&configure, invocation),
            Command::Enclave(enclave) => enclave::run(enclave, invocation),
            Command::Serve(serve) => serve::run(serve),
        },
    )
}
