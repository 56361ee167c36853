//! `xtask`: checks of the source tree that neither rustc nor clippy makes.
//!
//! `cargo run -q --locked -p xtask -- imports`: no import cycles, and the drawn packages are the real ones.
//! `cargo run -q --locked -p xtask -- audit FOLDER`: what an auditor has to read, as pages and as an SBOM.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod audit;
mod cli;
mod error;
mod imports;
mod repo_path;
#[cfg(test)]
mod sample;
mod source;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use argh::FromArgs as _;

use crate::cli::{Args, Command};
use crate::error::Error;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1)) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that the arguments name and returns the summary for standard output.
fn run(args: impl Iterator<Item = OsString>) -> Result<String, Error> {
    let args = args
        .map(|arg| {
            arg.into_string().map_err(|arg| Error::Usage(format!("argument {} is not UTF-8", arg.to_string_lossy())))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let command = match Args::from_args(&["xtask"], &args) {
        Ok(args) => args.command,
        Err(argh::EarlyExit { output, status: Ok(()) }) => return Ok(output),
        Err(early) => return Err(Error::Usage(early.output.trim_end().into())),
    };
    let workspace = Workspace::load()?;
    match command {
        Command::Imports(_) => imports::check(&workspace),
        Command::Audit(args) => audit::check(&workspace, &args.folder, args.write),
    }
}
