//! The program: from its arguments to a command, and from the command's result to an exit status.

use super::args::capelet::Capelet;
use super::args::globals::Globals;
use super::commands::dispatch::dispatch;
use super::context::{Context, environment};
use super::output::{Format, Output};
use crate::error::Error;
use crate::home::Home;
use crate::home::settings::Settings;
use capelet_cli::arguments::{self, Exit};
use capelet_cli::{interrupt, streams};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What is printed if a signal ends the program. The client records each step before it takes it. Running the same
/// command again therefore continues the interrupted one.
const INTERRUPTED: &str = "Error: interrupted, and nothing was lost: run the same command again [interrupted]";

/// Runs the command in `arguments`, which do not include the program's name. Prints the error if it fails.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut output = Output::default();
    match run(arguments, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>, output: &mut Output) -> Result<(), Error> {
    if let Some(format) = environment("CAPELET_OUTPUT")? {
        output.format = Format::parse(&format)?;
    }
    let capelet: Capelet = match arguments::parse("capelet", arguments) {
        Ok(capelet) => capelet,
        Err(Exit::Help(help)) => return output.raw(help.as_bytes()),
        Err(Exit::Usage(text)) => return Err(Error::Usage(text)),
    };
    let Globals { url, output: format, verbose } = capelet.all_globals();
    output.verbose = verbose;
    if let Some(format) = &format {
        output.format = Format::parse(format)?;
    }
    let home = Home::from_environment()?;
    if format.is_none() && environment("CAPELET_OUTPUT")?.is_none() {
        // A command that needs the settings reports that they are damaged. Reporting it here would prevent the
        // commands that repair them.
        let settings = home.load::<Settings>().unwrap_or_default();
        output.format = settings.output.map_or(Ok(Format::Plain), |format| Format::parse(&format))?;
    }
    // A result that could not be printed is lost. A request cannot be taken back.
    streams::check_output().map_err(|error| Error::Pipe(error.kind()))?;
    interrupt::watch(INTERRUPTED).map_err(|error| Error::io("watch signals in", Path::new("this process"), &error))?;
    dispatch(capelet.command, &Context { home, output: *output, url_option: url })
}
