//! The JSON object that a program prints with `-o json`: one line, with the members below and those of the command.
//!
//! | member | value |
//! |---|---|
//! | `format` | [`FORMAT`] |
//! | `command` | the words of the command: `capelet key create` |
//! | `development` | whether anything in the object rests on a development root or a development image |
//! | `error` | the error; absent exactly if the command succeeded |
//!
//! An object with an error can have the members of the command too: a run whose receipt could not be kept has its output.
//! `docs/json.md` explains the members of each command.

use crate::printable;
use crate::streams;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, BufWriter, Write};

/// The version of the format. Members can be added to a version, and none is removed from it or changes its meaning.
pub const FORMAT: u32 = 1;

/// The members of every object except the error. Serialise it flattened, before the members of the command.
#[derive(Clone, Debug, Serialize)]
pub struct Envelope<'a> {
    format: u32,
    command: &'a str,
    development: bool,
}

impl<'a> Envelope<'a> {
    /// The envelope of a command, which [`Parsed`](crate::arguments::Parsed) names.
    pub const fn new(command: &'a str, development: bool) -> Self {
        Self { format: FORMAT, command, development }
    }

    /// The object of a command. `members` is an object with the command's own members.
    pub fn with(&self, mut members: Value) -> Value {
        members["format"] = self.format.into();
        members["command"] = self.command.into();
        members["development"] = self.development.into();
        members
    }

    /// The object of a command that failed without a result.
    pub fn failed(&self, error: Value) -> Value {
        self.with(json!({"error": error}))
    }
}

/// The value of the member `error`.
pub fn error(code: &str, message: &str) -> Value {
    json!({"code": code, "message": message})
}

/// Prints an object as one line on standard output. It is not copied, because it can contain a large result.
///
/// # Errors
/// The operating system's.
pub fn print(object: &impl Serialize) -> io::Result<()> {
    let mut out = EscapedJson(BufWriter::new(streams::Output));
    serde_json::to_writer(&mut out, object)?;
    out.0.write_all(b"\n")?;
    out.0.flush()
}

/// Escapes in JSON what [`printable`] escapes in other text. serde_json escapes only the characters below U+0020.
pub struct EscapedJson<W: Write>(pub W);

impl<W: Write> Write for EscapedJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // serde_json writes whole strings, and the parts between two escaped characters.
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.0.write_all(bytes)?;
            return Ok(bytes.len());
        };
        let mut plain = 0;
        for (at, character) in text.char_indices().filter(|(_, character)| !printable::is_plain(*character)) {
            self.0.write_all(bytes.get(plain..at).unwrap_or_default())?;
            self.0.write_all(printable::json_escape(character).as_bytes())?;
            plain = at + character.len_utf8();
        }
        self.0.write_all(bytes.get(plain..).unwrap_or_default())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_the_members_of_the_envelope() {
        let envelope = Envelope::new("capelet list", true);
        assert_eq!(
            envelope.with(json!({"total": 3})).to_string(),
            r#"{"command":"capelet list","development":true,"format":1,"total":3}"#
        );
        assert_eq!(
            envelope.failed(error("busy", "later")).to_string(),
            r#"{"command":"capelet list","development":true,"error":{"code":"busy","message":"later"},"format":1}"#
        );
    }

    #[test]
    fn json_has_no_character_that_commands_a_terminal_and_keeps_its_meaning() {
        let text = "plain é\n\u{1b}[2K\u{7f}\u{9b}31m\u{202e}\u{e0041}\"\\";
        let mut out = EscapedJson(Vec::new());
        serde_json::to_writer(&mut out, &json!({"name": text})).unwrap();
        let printed = String::from_utf8(out.0).unwrap();
        assert_eq!(printed, r#"{"name":"plain é\n\u001b[2K\u007f\u009b31m\u202e\udb40\udc41\"\\"}"#);
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["name"], text);
    }
}
