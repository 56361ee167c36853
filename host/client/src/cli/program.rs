//! The program: from its arguments to a command, and from the command's result to an exit status.

use super::args::capelet::Capelet;
use super::args::globals::Globals;
use super::commands::dispatch::dispatch;
use super::context::{Context, environment};
use super::normalize_args::normalize;
use super::output::{Format, Output};
use crate::error::Error;
use crate::home::Home;
use crate::home::settings::Settings;
use crate::interrupt;
use argh::FromArgs as _;
use std::ffi::OsString;
use std::process::ExitCode;

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
    let arguments = arguments.map(OsString::into_string).collect::<Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|_| Error::Usage("an argument is not UTF-8".to_owned()))?;
    let arguments = if arguments.is_empty() { vec!["--help".to_owned()] } else { normalize(arguments) };
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let capelet = match Capelet::from_args(&["capelet"], &arguments) {
        Ok(capelet) => capelet,
        Err(exit) if exit.status.is_ok() => return output.raw(exit.output.as_bytes()),
        Err(exit) => return Err(Error::Usage(one_line(&exit.output))),
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
    interrupt::watch()?;
    dispatch(capelet.command, &Context { home, output: *output, url_option: url })
}

/// argh's message, which has several lines, as one line.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').replace('\0', "-")
}
