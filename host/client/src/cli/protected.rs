//! The check of an output that the user names: it must not replace what nobody can make again.

use crate::error::Error;
use crate::home::Home;
use capelet_cli::output_file;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Checks that the output at `path` replaces neither a file of the client's folders, nor an identity or an export, nor one
/// of the command's `inputs`. `replaces_export` is set if the user asked for the replacement of an export.
///
/// # Errors
/// [`Error::Protected`].
pub(super) fn check(path: &Path, home: &Home, inputs: &[&Path], replaces_export: bool) -> Result<(), Error> {
    if output_file::is_stdout(path) {
        return Ok(());
    }
    let protected = |what| Err(Error::Protected { path: path.to_owned(), what });
    if home.holds(path) {
        return protected("a file that Capelet keeps for you");
    }
    let Some(metadata) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else { return Ok(()) };
    let is_input = |input: &&Path| {
        fs::metadata(input).is_ok_and(|input| (input.dev(), input.ino()) == (metadata.dev(), metadata.ino()))
    };
    if inputs.iter().any(is_input) {
        return protected("an input of this command");
    }
    match beginning(path) {
        text if text.contains("\"capelet-identity-export\"") && !replaces_export => {
            protected("the export of an identity")
        }
        text if text.contains("\"owner\"") && text.contains("\"secret\"") => protected("an identity"),
        _ => Ok(()),
    }
}

/// The first bytes of a file. Empty if it cannot be read.
fn beginning(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(256).read_to_end(&mut bytes));
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn protects_identities_exports_state_and_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let home = Home::at(path("home")).unwrap();
        home.identity(|_| ()).unwrap();
        fs::copy(home.identity_path(), path("copy")).unwrap();
        fs::write(path("export"), "{\n  \"kind\": \"capelet-identity-export\",").unwrap();
        fs::write(path("letter"), "dear all").unwrap();
        symlink(home.identity_path(), path("link")).unwrap();
        fs::hard_link(path("letter"), path("same")).unwrap();
        let code = |path: &Path, force| match check(path, &home, &[&folder.path().join("letter")], force) {
            Ok(()) => "",
            Err(error) => error.code(),
        };
        for name in ["home/identity.json", "home/trust.json", "copy", "link", "letter", "same"] {
            assert_eq!(
                (code(&path(name), false), code(&path(name), true)),
                ("protected-file", "protected-file"),
                "{name}"
            );
        }
        assert_eq!((code(&path("export"), false), code(&path("export"), true)), ("protected-file", ""));
        fs::write(path("other"), "dear all").unwrap();
        for name in ["other", "absent", "home/new", "home/receipts/x", "-"] {
            assert_eq!(code(&path(name), false), "", "{name}");
        }
    }
}
