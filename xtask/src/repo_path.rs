//! Paths inside the repository.

use std::fmt;
use std::path::{Path, PathBuf};

/// A path relative to the repository's root, with `/` between its parts. It has no `.` and no `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// A path that is known when the program is compiled, or one that was read from a list of ours.
    pub fn new(path: &str) -> Self {
        Self(path.trim_end_matches('/').into())
    }

    /// # Errors
    /// [`Outside`], if `path` is not below `root` or is not UTF-8.
    pub fn below(root: &Path, path: &Path) -> Result<Self, Outside> {
        let inside = path.strip_prefix(root).ok().and_then(Path::to_str);
        inside.map(Self::new).ok_or_else(|| Outside { path: path.into(), root: root.into() })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same path below `root`, for the file system.
    pub fn on_disk(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// The path of something in this folder. `name` may have several parts, and `..` at its start.
    pub fn join(&self, name: &str) -> Self {
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        Self(parts.join("/"))
    }

    /// The folder that holds this file. The root's own folder is the empty path.
    pub fn folder(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or("", |(folder, _)| folder).into())
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Whether this lies below `folder`, at any depth.
    pub fn is_below(&self, folder: &Self) -> bool {
        folder.0.is_empty() || self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A path that lies outside the repository or is not UTF-8.
#[derive(Debug)]
pub struct Outside {
    path: PathBuf,
    root: PathBuf,
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a UTF-8 path inside {}", self.path.display(), self.root.display())
    }
}

impl std::error::Error for Outside {}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_what_is_below_it_and_not_its_namesakes() {
        let folder = RepoPath::new("host/client");
        assert!(RepoPath::new("host/client/src/lib.rs").is_below(&folder));
        assert!(!RepoPath::new("host/client-tests/lib.rs").is_below(&folder));
        assert!(!folder.is_below(&folder));
    }

    #[test]
    fn join_resolves_parent_folders() {
        assert_eq!(RepoPath::new("a/src/b").join("../c.rs").as_str(), "a/src/c.rs");
        assert_eq!(RepoPath::new("lib.rs").folder().join("a.rs").as_str(), "a.rs");
    }

    #[test]
    fn rejects_paths_outside_the_repository() {
        assert!(RepoPath::below(Path::new("/checkout"), Path::new("/elsewhere/a.rs")).is_err());
    }
}
