//! The program `capelet-manual`. It is used when Capelet is installed, and is not installed itself.

#![forbid(unsafe_code)]

use capelet_cli::arguments::{Program, Stop, USAGE_STATUS};
use capelet_cli::{printable, streams};
use capelet_manual::cli::Arguments;
use capelet_manual::{markdown, programs, share};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

const PROGRAM: Program = Program::new("capelet-manual", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    let arguments = match PROGRAM.parse::<Arguments>(env::args_os().skip(1)) {
        Ok(parsed) => parsed.arguments,
        Err(Stop::Text(text)) => return ended(streams::print(text.as_bytes()), Path::new("standard output")),
        Err(Stop::Usage(error)) => {
            streams::note(&format!("Error: {} [usage]", printable::line(&error.message)));
            streams::note_bytes(PROGRAM.usage::<Arguments>(&error.command).as_bytes());
            return ExitCode::from(USAGE_STATUS);
        }
    };
    let programs = programs::all();
    if let Some(folder) = arguments.to {
        for (name, content) in share::files(&programs) {
            let path = folder.join(name);
            let folder = path.parent().unwrap_or(&folder);
            if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, content)) {
                return ended(Err(error), &path);
            }
        }
    }
    match arguments.markdown {
        Some(path) => ended(fs::write(&path, markdown::write(&programs)), &path),
        None => ExitCode::SUCCESS,
    }
}

fn ended(result: io::Result<()>, path: &Path) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    streams::note(&format!("Error: cannot write {}: {error} [file]", printable::line(&path.to_string_lossy())));
    ExitCode::FAILURE
}
