//! The list of folders whose files may import each other in cycles.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::Error;
use crate::repo_path::RepoPath;

/// The list, relative to the repository's root.
pub const LIST: &str = "xtask/import-cycles.txt";

/// A folder that is one concept, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub folder: RepoPath,
    pub reason: String,
    /// The line in [`LIST`].
    pub line: usize,
}

impl Exception {
    /// Whether all of these files belong to the folder: they lie in it, or are the file of its parent module.
    pub fn covers(&self, files: &BTreeSet<RepoPath>) -> bool {
        let parent = RepoPath::new(&format!("{}.rs", self.folder));
        files.iter().all(|file| file.is_below(&self.folder) || *file == parent)
    }
}

/// Reads the list of the repository at `root`.
///
/// # Errors
/// `Io`, if it cannot be read; `Format`, if a line has no reason or repeats a folder.
pub fn read(root: &Path) -> Result<Vec<Exception>, Error> {
    let path = RepoPath::new(LIST).on_disk(root);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Exception>, Error> {
    let mut exceptions: Vec<Exception> = Vec::new();
    for (index, content) in text.lines().enumerate() {
        let line = index + 1;
        let invalid = |reason| Err(Error::Format { path: RepoPath::new(LIST), line, reason });
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let (folder, reason) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
        if reason.trim().is_empty() {
            return invalid(format!("{folder} has no reason: write one after the folder"));
        }
        let folder = RepoPath::new(folder);
        if let Some(first) = exceptions.iter().find(|exception| exception.folder == folder) {
            return invalid(format!("{folder} is already listed in line {}: remove one", first.line));
        }
        exceptions.push(Exception { folder, reason: reason.trim().into(), line });
    }
    Ok(exceptions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folders_with_their_reasons() {
        let list = parse("# comment\n\na/src/kms  one protocol\n").unwrap();
        let expected = Exception { folder: RepoPath::new("a/src/kms"), reason: "one protocol".into(), line: 3 };
        assert_eq!(list, [expected]);
    }

    #[test]
    fn rejects_lines_without_a_reason_and_repeated_folders() {
        let error = parse("a/src/kms\n").unwrap_err().to_string();
        assert_eq!(error, "xtask/import-cycles.txt:1: a/src/kms has no reason: write one after the folder");
        let error = parse("a b\na c\n").unwrap_err().to_string();
        assert_eq!(error, "xtask/import-cycles.txt:2: a is already listed in line 1: remove one");
    }

    #[test]
    fn covers_the_folder_and_its_parent_modules_file() {
        let exception = Exception { folder: RepoPath::new("a/src/kms"), reason: "one protocol".into(), line: 1 };
        let files = |paths: &[&str]| paths.iter().map(|path| RepoPath::new(path)).collect();
        assert!(exception.covers(&files(&["a/src/kms.rs", "a/src/kms/http.rs", "a/src/kms/json/value.rs"])));
        assert!(exception.covers(&files(&["a/src/kms/mod.rs", "a/src/kms/http.rs"])));
        assert!(!exception.covers(&files(&["a/src/lib.rs", "a/src/kms/http.rs"])));
    }
}
