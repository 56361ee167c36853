//! The question before something is destroyed.

use crate::error::Error;
use capelet_cli::{printable, streams};
use std::io::{self, BufRead as _, IsTerminal as _};

/// Asks `question` on the terminal, unless `yes` was given. Without a terminal nobody can answer, so `yes` is required.
///
/// # Errors
/// [`Error::NotConfirmed`] without a terminal, or if the answer is another one than `y` or `yes`.
pub(super) fn confirm(yes: bool, question: &str) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && streams::error_is_terminal()) {
        return Err(Error::NotConfirmed { asked: false });
    }
    streams::note_bytes(format!("{} [y/N] ", printable::line(question)).as_bytes());
    let mut answer = String::new();
    // If the answer cannot be read, nothing is confirmed.
    let _ = io::stdin().lock().read_line(&mut answer);
    if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(Error::NotConfirmed { asked: true })
}
