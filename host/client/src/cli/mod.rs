//! The command line: a thin layer that reads arguments, calls the library and prints what comes back.

pub mod args;
pub mod output;
pub mod prepass;

mod commands;

use crate::error::Error;
use crate::home::Home;
use crate::home::settings::Settings;
use crate::home::trust::Trust;
use crate::interrupt;
use crate::url::Url;
use argh::FromArgs as _;
use args::{Capelet, Globals};
use output::{Format, Output};
use std::ffi::OsString;
use std::process::ExitCode;

/// What a command works with.
struct Context {
    home: Home,
    output: Output,
    url: Option<String>,
}

impl Context {
    /// The enclave's address: flag, environment, setting, or the only one that is pinned.
    fn url(&self) -> Result<Url, Error> {
        if let Some(url) = &self.url {
            return Url::parse(url);
        }
        if let Some(url) = environment("CAPELET_URL")? {
            return Url::parse(&url);
        }
        if let Some(url) = self.home.load::<Settings>()?.url {
            return Url::parse(&url);
        }
        match self.home.load::<Trust>()?.all() {
            [only] => Url::parse(&only.url),
            _ => Err(Error::NoUrl),
        }
    }
}

/// Runs the command that `arguments`, without the program's name, ask for.
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
    let arguments = if arguments.is_empty() { vec!["--help".to_owned()] } else { prepass::prepare(arguments) };
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
        // A damaged setting is told by whoever needs it; it must not hide how to mend it.
        let settings = home.load::<Settings>().unwrap_or_default();
        output.format = settings.output.map_or(Ok(Format::Plain), |format| Format::parse(&format))?;
    }
    interrupt::watch()?;
    commands::run(capelet.command, &Context { home, output: *output, url })
}

/// A variable of the environment; empty counts as not set.
fn environment(name: &'static str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::Argument { name, want: "UTF-8" }),
    }
}

/// argh's words, which come in several lines.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').replace('\0', "-")
}
