//! What is printed: results on standard output, everything else on standard error.

use crate::error::Error;
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write as _};

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
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err(Error::Argument { name: "the output", want: "plain or json" }),
        }
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Json => "json",
        }
    }
}

/// Labels and values, in the order in which people read them.
pub type Fields<'a> = &'a [(&'a str, String)];

/// Where a command's words go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// How results are printed.
    pub format: Format,
    /// Whether more is said than needed.
    pub verbose: bool,
}

impl Output {
    /// A result: labelled lines, or the object.
    pub fn fields(&self, fields: Fields<'_>, object: &Value) -> Result<(), Error> {
        let width = fields.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let lines = fields.iter().map(|(label, value)| format!("{label:width$} ➜  {value}\n"));
        self.text(&lines.collect::<String>(), object)
    }

    /// A result: the text as it is, or the object.
    pub fn text(&self, text: &str, object: &Value) -> Result<(), Error> {
        match self.format {
            Format::Plain => self.raw(text.as_bytes()),
            Format::Json => self.raw(format!("{object}\n").as_bytes()),
        }
    }

    /// Bytes, as they are.
    pub fn raw(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Error::Pipe(error.kind()))
    }

    /// Something that people should know.
    pub fn note(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Something that people may want to know.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            eprintln!("{text}");
        }
    }

    /// What must never be overlooked.
    pub fn development(&self, development: bool) {
        if development {
            eprintln!(
                "DEVELOPMENT: this rests on a root that a machine made for itself; it proves nothing to anybody else"
            );
        }
    }

    /// Why it did not work.
    pub fn failure(&self, error: &Error) {
        eprintln!("Error: {error} [{}]", error.code());
        // `list` and `run` have said these with their result.
        let said = matches!(error, Error::CatalogueDiffers(_) | Error::ReceiptNotKept(_));
        if self.format == Format::Json && !said {
            let object = json!({"error": describe(error)});
            // If standard output is broken too, the status still says it.
            let _ = self.raw(format!("{object}\n").as_bytes());
        }
    }

    /// Whether progress has somebody to look at it.
    pub fn progress(&self) -> bool {
        io::stderr().is_terminal()
    }
}

/// An error as it stands in an object.
pub fn describe(error: &Error) -> Value {
    json!({"code": error.code(), "message": error.to_string()})
}

/// Marks an object that rests on a development root.
pub fn mark(object: &mut Value, development: bool) {
    if development {
        object["development"] = true.into();
    }
}
