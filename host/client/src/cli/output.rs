//! Prints results on standard output and everything else on standard error.

use crate::error::Error;
use capelet_cli::streams;
use serde_json::{Value, json};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Plain,
    /// For programs: one object on one line.
    Json,
}

impl Format {
    /// Reads `plain` or `json`.
    ///
    /// # Errors
    /// [`Error::Argument`] for another text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err(Error::Argument { name: "the output", want: "plain or json" }),
        }
    }

    /// The name that [`Format::parse`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "json",
        }
    }
}

/// Labels and values, in the order in which they are printed.
pub type Fields<'a> = &'a [(&'a str, String)];

/// Prints a command's results and notes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// How results are printed.
    pub format: Format,
    /// Whether details are printed.
    pub verbose: bool,
}

impl Output {
    /// Prints a result: labelled lines, or the object.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn fields(&self, fields: Fields<'_>, object: &Value) -> Result<(), Error> {
        let width = fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let lines = fields.iter().map(|(label, value)| format!("{label:width$} ➜  {value}\n"));
        self.text(&lines.collect::<String>(), object)
    }

    /// Prints a result: the text, unchanged, or the object.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn text(&self, text: &str, object: &Value) -> Result<(), Error> {
        match self.format {
            Format::Plain => self.raw(text.as_bytes()),
            Format::Json => self.raw(format!("{object}\n").as_bytes()),
        }
    }

    /// Prints bytes, unchanged.
    ///
    /// # Errors
    /// [`Error::Pipe`] if standard output cannot be written.
    pub fn raw(&self, bytes: &[u8]) -> Result<(), Error> {
        streams::print(bytes).map_err(|error| Error::Pipe(error.kind()))
    }

    /// Prints a note, which is one line.
    pub fn note(&self, text: &str) {
        streams::note(text);
    }

    /// Like [`Output::note`], with `-v` only.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Warns about a development root, if `development`.
    pub fn development(&self, development: bool) {
        if development {
            streams::note(
                "DEVELOPMENT: this machine made the root certificate itself, so that it proves nothing to anyone else",
            );
        }
    }

    /// Prints an error.
    pub fn failure(&self, error: &Error) {
        streams::note(&format!("Error: {error} [{}]", error.code()));
        // `list` and `run` have already printed these errors in the result.
        let printed = matches!(error, Error::CatalogueDiffers(_) | Error::ReceiptNotKept(_));
        if self.format == Format::Json && !printed {
            let object = json!({"error": describe(error)});
            // If this fails too, the exit status still reports the failure.
            let _ = self.raw(format!("{object}\n").as_bytes());
        }
    }

    /// Whether standard error is a terminal, which can show progress.
    pub fn progress(&self) -> bool {
        streams::error_is_terminal()
    }
}

/// The JSON object for an error.
pub fn describe(error: &Error) -> Value {
    json!({"code": error.code(), "message": error.to_string()})
}

/// Marks an object whose proof rests on a development root.
pub fn mark(object: &mut Value, development: bool) {
    if development {
        object["development"] = true.into();
    }
}
