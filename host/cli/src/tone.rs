//! Colours on a terminal. They repeat what the words say: nothing depends on them.
//!
//! `NO_COLOR` turns them off, `CLICOLOR_FORCE` turns them on without a terminal too, and `CLICOLOR=0` and `TERM=dumb` turn
//! them off (<https://bixense.com/clicolors/>). An empty variable counts as not set.

use std::env;
use std::io::{self, IsTerminal as _};

/// What a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Verified, or as it should be: green.
    Good,
    /// An error, or what proves nothing: red.
    Bad,
    /// A detail: dim.
    Dim,
}

/// A standard stream for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// The text in the colour of its tone, if the stream shows colours.
///
/// The text must have been escaped by [`printable`](crate::printable) before.
pub fn paint(stream: Stream, tone: Tone, text: &str) -> String {
    let terminal = match stream {
        Stream::Output => io::stdout().is_terminal(),
        Stream::Error => io::stderr().is_terminal(),
    };
    // The value of a variable that is not UTF-8 is a value.
    let variable =
        |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(|value| value.display().to_string());
    if is_coloured(terminal, variable) { coloured(tone, text) } else { text.to_owned() }
}

fn coloured(tone: Tone, text: &str) -> String {
    // SGR parameters of ECMA-48, section 8.3.117.
    let parameter = match tone {
        Tone::Good => 32,
        Tone::Bad => 31,
        Tone::Dim => 2,
    };
    format!("\u{1b}[{parameter}m{text}\u{1b}[0m")
}

fn is_coloured(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is = |name, value: &str| variable(name).is_some_and(|text| text == value);
    if variable("NO_COLOR").is_some() {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") {
        return true;
    }
    terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_decide_about_colours_before_the_terminal_does() {
        for (terminal, variables, expected) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1")], false),
            (true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (true, &[("CLICOLOR_FORCE", "0")], true),
            (true, &[("CLICOLOR", "0")], false),
            (false, &[("CLICOLOR", "1")], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[("TERM", "xterm")], true),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_coloured(terminal, variable), expected, "{terminal} {variables:?}");
        }
    }

    #[test]
    fn a_colour_ends_with_its_text() {
        assert_eq!(coloured(Tone::Bad, "Error:"), "\u{1b}[31mError:\u{1b}[0m");
    }
}
