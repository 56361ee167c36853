//! Programs that the audit runs.

use std::process::{Command, Output, Stdio};

use crate::error::Error;

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// `Start`, if it cannot be started; `Failed`, if its status is not 0.
pub fn output(command: &mut Command) -> Result<Vec<u8>, Error> {
    let Output { status, stdout, stderr } =
        command.stderr(Stdio::piped()).output().map_err(|source| Error::Start { command: shown(command), source })?;
    if status.success() {
        return Ok(stdout);
    }
    let text = String::from_utf8_lossy(&stderr);
    Err(Error::Failed { command: shown(command), output: format!("{}\n{status}", text.trim_end()) })
}

/// As [`output`], for a program that prints text.
///
/// # Errors
/// Those of [`output`], and `Output`, if the text is not UTF-8.
pub fn text(command: &mut Command) -> Result<String, Error> {
    String::from_utf8(output(command)?)
        .map_err(|_| Error::Output { command: shown(command), reason: "it is not UTF-8".into() })
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let parts = [command.get_program()].into_iter().chain(command.get_args());
    parts.map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_its_message() {
        let error = text(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err().to_string();
        assert_eq!(error, "`sh -c echo broken >&2; exit 3` failed:\nbroken\nexit status: 3");
    }
}
