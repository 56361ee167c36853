//! The program: from its arguments to a command, and from the command's result to an exit status.

use super::args::capelet::{Capelet, Command};
use super::args::globals::Globals;
use super::commands::dispatch::dispatch;
use super::context::{Context, environment};
use super::output::{Output, parse_format, sentence};
use crate::error::{Error, Stream};
use crate::home::Home;
use crate::home::folders::Folders;
use crate::home::settings::Settings;
use crate::retry::Retry;
use capelet_cli::arguments::{Parsed, Program, Stop};
use capelet_cli::format::Format;
use capelet_cli::{interrupt, streams};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How the program presents itself.
pub const PROGRAM: Program = Program::new("capelet", env!("CARGO_PKG_VERSION"));

/// What is printed if a signal ends the program. The client records each step before it takes it. Running the same
/// command again therefore continues the interrupted one. Only a run is not continued, and its receipt is lost.
const INTERRUPTED: &str =
    "Error: interrupted: run the same command again; a `run` that was sent may have been carried out [interrupted]";

/// Runs the command in `arguments`, which do not include the program's name. Prints the error if it fails.
///
/// The exit status is 0, 1 for an error, or [`USAGE_STATUS`](capelet_cli::arguments::USAGE_STATUS) if the command line is invalid.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut output = Output::default();
    let Err(error) = run(arguments, &mut output) else { return ExitCode::SUCCESS };
    output.failure(&error);
    PROGRAM.failed::<Capelet>(&output.command, error.is_usage())
}

fn run(arguments: impl Iterator<Item = OsString>, output: &mut Output) -> Result<(), Error> {
    const VARIABLE: &str = "CAPELET_OUTPUT";
    let variable = environment(VARIABLE).and_then(|text| text.map(|text| parse_format(VARIABLE, &text)).transpose());
    output.format = variable.as_ref().ok().copied().flatten().unwrap_or_default();
    let capelet: Capelet = match PROGRAM.parse(arguments) {
        Ok(Parsed { arguments, command }) => {
            output.command = command.into();
            arguments
        }
        Err(Stop::Text(text)) => return output.raw(text.as_bytes()),
        Err(Stop::Usage(error)) => {
            if error.format() == Format::Json {
                output.format = Format::Json;
            }
            output.command = error.command.into();
            return Err(Error::Usage(error.message));
        }
    };
    let Globals { url, output: format, verbose, timeout, retry, repeated } = capelet.all_globals();
    output.verbose = verbose;
    if let Some(name) = repeated {
        if format.as_deref() == Some(Format::Json.name()) {
            output.format = Format::Json;
        }
        return Err(Error::Argument { name, want: "given only once" });
    }
    let format = match format {
        Some(format) => Some(parse_format("the output", &format)?),
        None => variable?,
    };
    output.format = format.unwrap_or_default();
    // From here on, files are read.
    watch(timeout, output.clone())?;
    let folders = Folders::from_environment()?;
    // `doctor` itself reports folders and settings that cannot be used.
    let doctor = matches!(capelet.command, Command::Doctor(_));
    let home = if doctor { Home::unchecked(folders) } else { Home::new(folders)? };
    if format.is_none() {
        // A command that needs the settings reports that they are damaged. Reporting it here would prevent the
        // commands that repair them.
        let settings = home.load::<Settings>().unwrap_or_default();
        let format = settings.output.map_or(Ok(Format::Plain), |format| parse_format("the output", &format));
        output.format = if doctor { format.unwrap_or_default() } else { format? };
    }
    let (command, uses_url) = capelet.command.words_and_use_of_url();
    if url.is_some() && !uses_url {
        return Err(Error::UnusedOption { option: "-u", command });
    }
    if retry.is_some() && !capelet.command.connects() {
        return Err(Error::UnusedOption { option: "--retry", command });
    }
    let retry = Retry::new(retry.unwrap_or(0));
    // A result that could not be printed is lost. A request cannot be taken back.
    streams::check_output().map_err(|error| Error::pipe(Stream::Output, &error))?;
    dispatch(capelet.command, &Context { home, output: output.clone(), url_option: url, retry })
}

/// Lets signals and the time limit of `--timeout` end the program.
fn watch(timeout: Option<u64>, output: Output) -> Result<(), Error> {
    let failed = |error| Error::io("watch signals in", Path::new("this process"), &error);
    interrupt::watch(INTERRUPTED).map_err(failed)?;
    match timeout {
        None => Ok(()),
        Some(0) => Err(Error::Argument { name: "--timeout", want: "at least 1 second" }),
        Some(seconds) => {
            let error = Error::TimedOut(seconds);
            let print_result = move |error: &Error| output.failure_at_once(error);
            interrupt::end_after(Duration::from_secs(seconds), sentence(&error), move || print_result(&error))
                .map_err(failed)
        }
    }
}
