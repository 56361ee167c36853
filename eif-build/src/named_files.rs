//! The files that arguments name, `-` among them.

use std::io::{self, Read};
use std::path::Path;

use capelet_cli::arguments::STDIN;
use capelet_cli::format::Format;
use capelet_cli::output_file::{self, Existing, Readers};
use capelet_cli::streams;
use eif_build::cli::Command;
use eif_build::{Error, files};

/// Reads a file of at most `limit` bytes, or standard input.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    if !is_stdin(path) {
        return files::read(path, limit);
    }
    let mut bytes = Vec::new();
    let result = streams::input().and_then(|input| input.take(limit + 1).read_to_end(&mut bytes));
    result.map_err(|error| failed("read", Path::new("standard input"), &error))?;
    if bytes.len() as u64 > limit { Err(Error::FileTooLarge { limit }) } else { Ok(bytes) }
}

/// Writes an output, or nothing.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    output_file::write(path, bytes, Readers::Umask, Existing::Replace).map_err(|error| failed("write", path, &error))
}

/// Whether the report of a command that writes to `to` has standard output for itself.
pub fn report_on_stdout(to: Option<&Path>) -> bool {
    !to.is_some_and(output_file::is_stdout)
}

pub fn failed(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::Io { doing, path: path.into(), kind: error.kind(), number: error.raw_os_error() }
}

/// Refuses combinations of files before anything is read or written.
///
/// # Errors
/// [`Error::Usage`] if standard input is read twice, if two results go to standard output in one format for programs, or
/// if the output would replace an input, for example the key.
pub fn check(command: &Command) -> Result<(), Error> {
    let refused = |message: String| Err(Error::Usage { message });
    let inputs = command.inputs();
    if inputs.iter().filter(|path| is_stdin(path)).count() > 1 {
        return refused("only one input can be - (standard input): name a file for the others".into());
    }
    let Some(to) = command.to() else { return Ok(()) };
    if !report_on_stdout(Some(to)) && command.output() == Format::Json {
        return refused("the file and the JSON report cannot both go to standard output: name a file to write".into());
    }
    let kept = inputs.iter().skip(usize::from(command.replaces_its_input()));
    match kept.copied().find(|input| is_same_file(input, to)) {
        Some(input) => Err(replaced(input)),
        None => Ok(()),
    }
}

/// Refuses an output that is one of the files of a list, which it would replace.
///
/// # Errors
/// [`Error::Usage`].
pub fn check_sources(sources: &[&Path], to: &Path) -> Result<(), Error> {
    // Of a list, `-` is the name of a file.
    match sources.iter().find(|source| !output_file::is_stdout(to) && is_one_file(source, to)) {
        Some(source) => Err(replaced(source)),
        None => Ok(()),
    }
}

fn replaced(input: &Path) -> Error {
    Error::Usage { message: format!("{} is an input, and would be replaced: name another file", input.display()) }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN) || path == Path::new("-")
}

/// Whether an argument leads to the regular file at the other path.
fn is_same_file(argument: &Path, other: &Path) -> bool {
    !is_stdin(argument) && is_one_file(argument, other)
}

/// Whether both paths lead to one regular file.
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((metadata.dev(), metadata.ino()))
    };
    id(one).is_some() && id(one) == id(other)
}
