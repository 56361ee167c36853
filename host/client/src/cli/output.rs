//! Prints results on standard output and everything else on standard error.
//!
//! Results contain text that others chose: names of files, the texts of documents and of remote machines. Each such text
//! is printed as part of one line, and escaped by [`printable`]. It can therefore neither command a terminal nor pretend
//! to be a line of this program. In JSON the same characters are escaped as `\uXXXX`.

use crate::error::{Error, Stream};
use capelet_cli::arguments::STDIN;
use capelet_cli::ending::error_line;
use capelet_cli::envelope::{self, Envelope};
use capelet_cli::format::Format;
use capelet_cli::tone::{self, Tone};
use capelet_cli::{printable, streams};
use enclave_core::Error as CoreError;
use serde::Serialize;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locked while a result is printed.
static PRINTING: Mutex<()> = Mutex::new(());

/// Reads `plain` or `json`. `name` says where the text is from.
///
/// # Errors
/// [`Error::BadValue`] for another text.
pub fn parse_format(name: &'static str, text: &str) -> Result<Format, Error> {
    Format::named(text).ok_or_else(|| Error::BadValue { name, value: text.to_owned(), want: "plain or json" })
}

/// Labels and values, in the order in which they are printed.
pub type Fields<'a> = &'a [(&'a str, String)];

/// Prints a command's results and notes.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// How results are printed.
    pub format: Format,
    /// Whether details are printed.
    pub verbose: bool,
    /// The words of the command.
    pub command: Arc<str>,
    /// Whether what the command has seen until now rests on a development root. Clones share it.
    development: Arc<AtomicBool>,
}

impl Output {
    /// The members of every JSON object that this command prints.
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope::new(&self.command, self.development.load(Ordering::Relaxed))
    }

    /// Prints a result: labelled lines, or the object with these members.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn fields(&self, fields: Fields<'_>, members: Value) -> Result<(), Error> {
        match self.format {
            Format::Plain => self.raw(coloured(fields).as_bytes()),
            Format::Json => self.json(&self.envelope().with(members)),
        }
    }

    /// Prints a result: lines, each of which stays one line, or the object with these members.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn lines<T: AsRef<str>>(&self, lines: &[T], members: Value) -> Result<(), Error> {
        match self.format {
            Format::Plain => {
                let lines: Vec<_> = lines.iter().map(|line| printable::line(line.as_ref())).collect();
                self.raw(lines.iter().flat_map(|line| [line, "\n"]).collect::<String>().as_bytes())
            }
            Format::Json => self.json(&self.envelope().with(members)),
        }
    }

    /// Announces that a result is printed while it is made. No other result is printed until the value is dropped.
    pub fn begin() -> MutexGuard<'static, ()> {
        PRINTING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints an object on one line. It is not copied, because it may contain a large result.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn json(&self, object: &impl Serialize) -> Result<(), Error> {
        let _printing = Self::begin();
        envelope::print(object).map_err(|error| Error::pipe(Stream::Output, &error))
    }

    /// Prints bytes, unchanged.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn raw(&self, bytes: &[u8]) -> Result<(), Error> {
        let _printing = Self::begin();
        streams::print(bytes).map_err(|error| Error::pipe(Stream::Output, &error))
    }

    /// Prints what a function returned: unchanged, unless a terminal would obey it.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn result(&self, bytes: &[u8]) -> Result<(), Error> {
        if streams::output_is_terminal() { self.raw(printable::lines(bytes).as_bytes()) } else { self.raw(bytes) }
    }

    /// Prints what a function wrote to its standard error: unchanged, or with a mark before each line on a terminal.
    pub fn diagnostic(&self, bytes: &[u8]) {
        if streams::error_is_terminal() {
            // Each line is marked, because it could look like one of this program's.
            let lines = printable::lines(bytes);
            lines.lines().for_each(|line| streams::note_bytes(format!("function: {line}\n").as_bytes()));
        } else {
            streams::note_bytes(bytes);
        }
    }

    /// Prints labelled lines on standard error, because the result itself is on standard output.
    pub fn report(&self, fields: Fields<'_>) {
        labelled(fields).for_each(|(_, name, value)| streams::note(&format!("{name}{value}")));
    }

    /// Prints a note, which is one line.
    pub fn note(&self, text: &str) {
        streams::note(text);
    }

    /// Like [`Output::note`], dim and with `-v` only.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            let text = tone::paint(tone::Stream::Error, Tone::Dim, &printable::line(text));
            streams::note_bytes(format!("{text}\n").as_bytes());
        }
    }

    /// Warns about a development root, if `development`. What is printed afterwards says so too.
    pub fn development(&self, development: bool) {
        let known = self.development.load(Ordering::Relaxed);
        self.mark_development(development);
        if development && !known {
            streams::note(
                "DEVELOPMENT: this machine made the root certificate itself, so that it proves nothing to anyone else",
            );
        }
    }

    /// Like [`Output::development`], without the warning: the result itself names the root.
    pub fn mark_development(&self, development: bool) {
        self.development.fetch_or(development, Ordering::Relaxed);
    }

    /// Prints an error.
    pub fn failure(&self, error: &Error) {
        streams::note(&sentence(error));
        // The result that was printed already contains these errors.
        let printed = matches!(
            error,
            Error::CatalogueDiffers(_) | Error::ProblemsFound(_) | Error::ReceiptNotKept { .. } | Error::Printed(_)
        );
        if self.format == Format::Json && !printed {
            // If this fails too, the exit status still reports the failure.
            let _ = self.json(&self.envelope().failed(describe(error)));
        }
    }

    /// Warns on a terminal about data that was given as an argument.
    pub fn warn_of_argument(&self) {
        if streams::error_is_terminal() {
            self.note(
                "Warning: other users of this machine can read arguments, and shells keep them: give a secret with -f FILE, or \
                 through a pipe.",
            );
        }
    }

    /// Prints an error as JSON, unless a result is being printed at this moment. It does not wait.
    pub fn failure_at_once(&self, error: &Error) {
        let idle = PRINTING.try_lock().is_ok();
        if self.format == Format::Json && idle {
            let _ = self.json(&self.envelope().failed(describe(error)));
        }
    }
}

/// The labels whose values are good or bad news, the beginning of such a value, and its tone. No other party chooses the
/// value of one of these labels.
const TONES: [(&str, &str, Tone); 6] = [
    ("Document", "verified", Tone::Good),
    ("Verified", "at ", Tone::Good),
    ("Receipt", "verified", Tone::Good),
    ("Receipt", "NOT VERIFIED", Tone::Bad),
    ("Root", "DEVELOPMENT", Tone::Bad),
    ("Ended", "done", Tone::Good),
];

/// The lines of the fields. On a terminal, labels are dim and some values have a colour.
fn coloured(fields: Fields<'_>) -> String {
    let paint = |tone, text: &str| tone::paint(tone::Stream::Output, tone, text);
    let line = |(label, name, value): (&str, String, &str)| {
        let value = printable::line(value);
        let tone = TONES.iter().find(|(named, begins, _)| *named == label && value.starts_with(begins));
        let value = tone.map_or_else(|| value.to_string(), |(.., tone)| paint(*tone, &value));
        format!("{}{value}\n", paint(Tone::Dim, &name))
    };
    labelled(fields).map(line).collect()
}

/// The label, the beginning of the line with it, and the value of each field. The values begin in one column.
fn labelled<'a>(fields: Fields<'a>) -> impl Iterator<Item = (&'a str, String, &'a str)> {
    let width = fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    fields.iter().map(move |(label, value)| (*label, format!("{label:width$} ➜  "), value.as_str()))
}

/// The line that reports an error.
pub fn sentence(error: &Error) -> String {
    error_line(&message(error), error.code())
}

/// The error's sentence. The value that stands for a positional `-` is shown as the user wrote it.
fn message(error: &Error) -> String {
    error.to_string().replace("\\0", "-").replace(STDIN, "-")
}

/// The JSON object for an error.
pub fn describe(error: &Error) -> Value {
    let mut object = envelope::error(error.code(), &message(error));
    let seconds = match error {
        Error::NoPlace { retry_after: Some(seconds), .. } => Some(u32::from(*seconds)),
        Error::Answered(CoreError::Busy(seconds)) => Some(*seconds),
        _ => None,
    };
    if let Some(seconds) = seconds {
        object["retry_after"] = seconds.into();
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_to_retry_is_a_number_in_json() {
        let error = Error::NoPlace { url: "capelet://a:5000".into(), retry_after: Some(7) };
        assert_eq!(
            (describe(&error)["code"].as_str(), describe(&error)["retry_after"].as_u64()),
            (Some("busy"), Some(7))
        );
        assert_eq!(describe(&Error::Answered(CoreError::Busy(9)))["retry_after"].as_u64(), Some(9));
        let silent = Error::NoPlace { url: "unix:/a".into(), retry_after: None };
        assert_eq!(describe(&silent).get("retry_after"), None);
    }
}
