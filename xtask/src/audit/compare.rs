//! Comparing a written page with what it must be.

use std::path::Path;

use crate::error::Error;
use crate::repo_path::RepoPath;

/// How many differing lines of each text are shown.
const SHOWN: usize = 3;

/// The difference between the file at `path` and `wanted`, with what to do. `None` if they are equal.
///
/// # Errors
/// `Io`, if the file is there and cannot be read.
pub fn difference(root: &Path, path: &RepoPath, wanted: &str, command: &str) -> Result<Option<String>, Error> {
    let on_disk = path.on_disk(root);
    if !on_disk.exists() {
        return Ok(Some(format!("{path} not found: run `{command}`")));
    }
    let found =
        std::fs::read_to_string(&on_disk).map_err(|source| Error::Io { doing: "read", path: on_disk, source })?;
    Ok(first_difference(&found, wanted).map(|lines| format!("{path} is out of date: run `{command}`\n{lines}")))
}

/// The first lines in which the texts differ.
fn first_difference(found: &str, wanted: &str) -> Option<String> {
    if found == wanted {
        return None;
    }
    let (found, wanted): (Vec<&str>, Vec<&str>) = (found.split('\n').collect(), wanted.split('\n').collect());
    let same = found.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let mut text = Vec::new();
    for (mark, lines) in [('-', &found), ('+', &wanted)] {
        for (offset, line) in lines.iter().skip(same).take(SHOWN).enumerate() {
            text.push(format!("  {mark}{}: {}", same + offset + 1, abridged(line)));
        }
    }
    Some(text.join("\n"))
}

/// At most 160 characters of a line.
fn abridged(line: &str) -> String {
    if line.chars().count() <= 160 { line.into() } else { line.chars().take(160).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn shows_the_first_lines_that_differ_and_what_to_run() {
        let sample = Sample::new(&[("docs/audit.md", "a\nb\nc\nd\n")]);
        let page = RepoPath::new("docs/audit.md");
        let shown = difference(sample.root(), &page, "a\nB\nc\nd\n", "xtask audit --write").unwrap().unwrap();
        assert_eq!(
            shown,
            "docs/audit.md is out of date: run `xtask audit --write`\n  -2: b\n  -3: c\n  -4: d\n  +2: B\n  +3: c\n  +4: d"
        );
        assert_eq!(difference(sample.root(), &page, "a\nb\nc\nd\n", "x").unwrap(), None);
    }

    #[test]
    fn a_missing_page_is_named() {
        let sample = Sample::new(&[]);
        let shown = difference(sample.root(), &RepoPath::new("docs/audit.md"), "a", "xtask audit --write").unwrap();
        assert_eq!(shown.unwrap(), "docs/audit.md not found: run `xtask audit --write`");
    }
}
