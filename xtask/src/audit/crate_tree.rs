//! The crates of a program, as `cargo tree` shows them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::audit::command;
use crate::error::Error;
use crate::source::left_out::OUTSIDE;

/// One version of one crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrateId {
    pub name: String,
    pub version: String,
}

impl fmt::Display for CrateId {
    /// As crates.sh names the folder of a crate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.version)
    }
}

/// Which dependencies a tree follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// What is compiled into the program.
    Inside,
    /// That, and what runs while the program is built: build scripts, procedural macros, and their dependencies.
    InsideAndBuild,
}

impl Edges {
    fn argument(self) -> &'static str {
        match self {
            Self::Inside => "normal,no-proc-macro",
            Self::InsideAndBuild => "normal,build",
        }
    }
}

/// Checks that a program is built without the feature [`OUTSIDE`], whose lines do not count.
///
/// # Errors
/// `Faults`, if a crate of the program has the feature; `Start`, `Failed` or `Output`.
fn check_features(root: &Path, package: &str) -> Result<(), Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["tree", "-q", "--locked", "--offline", "--prefix", "none"]);
    command.args(["--target", "x86_64-unknown-linux-gnu", "-p", package]);
    command.args(["--edges", "normal", "--format", "{f} {p}", "--color", "never"]);
    let text = command::text(&mut command)?;
    let has_feature = |line: &&str| line.split(' ').next().is_some_and(|list| list.split(',').any(|f| f == OUTSIDE));
    let faults: Vec<String> = text
        .lines()
        .filter(has_feature)
        .map(|line| format!("{package} is built with the feature `{OUTSIDE}` of {}", line.trim_start_matches(OUTSIDE)))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Faults(faults)) }
}

/// The crates of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrateTree {
    /// The tree, without the folders of our own packages.
    pub text: String,
    /// All crates in it, the program included.
    pub crates: BTreeSet<CrateId>,
    /// Which crate depends on which.
    pub edges: BTreeSet<(CrateId, CrateId)>,
}

impl CrateTree {
    /// Asks cargo for the tree of a package, for the image's target.
    ///
    /// # Errors
    /// `Start`, `Failed` or `Output`.
    pub fn of(root: &Path, package: &str, edges: Edges) -> Result<Self, Error> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root).args(["tree", "-q", "--locked", "--offline"]);
        command.args(["--target", "x86_64-unknown-linux-gnu", "-p", package]);
        command.args(["--edges", edges.argument(), "--format", "{p}", "--charset", "utf8", "--color", "never"]);
        let text = command::text(&mut command)?;
        if edges == Edges::Inside {
            check_features(root, package)?;
        }
        Self::parse(&text).map_err(|reason| Error::Output { command: command::shown(&command), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut tree = Self { text: String::new(), crates: BTreeSet::new(), edges: BTreeSet::new() };
        // The crates from the root to the current line.
        let mut path: Vec<CrateId> = Vec::new();
        for line in text.lines() {
            let content = line.trim_start_matches(['│', '├', '└', '─', ' ']);
            // Each level is four characters wide.
            let depth = (line.chars().count() - content.chars().count()) / 4;
            // `[build-dependencies]` heads a group of the crate above it.
            if content.starts_with('[') || content.is_empty() {
                continue;
            }
            let mut words = content.split(' ');
            let name = words.next().unwrap_or_default();
            let version = words.next().and_then(|word| word.strip_prefix('v'));
            let version = version.ok_or_else(|| format!("expected `NAME vVERSION`, found `{line}`"))?;
            let id = CrateId { name: name.into(), version: version.into() };
            if depth > path.len() {
                return Err(format!("`{line}` is more than one level deeper than the line above it"));
            }
            path.truncate(depth);
            if let Some(parent) = path.last() {
                tree.edges.insert((parent.clone(), id.clone()));
            }
            tree.crates.insert(id.clone());
            path.push(id);
            tree.text += &without_notes(line);
            tree.text.push('\n');
        }
        Ok(tree)
    }
}

/// The line without ` (/folder)` and ` (proc-macro)`; ` (*)` stays: it marks a tree that is shown elsewhere.
fn without_notes(line: &str) -> String {
    let mut text = line.to_string();
    for start in [" (/", " (proc-macro"] {
        if let Some(begin) = text.find(start)
            && let Some(length) = text[begin..].find(')')
        {
            text.replace_range(begin..=begin + length, "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "capelet-pid1 v0.1.0 (/home/somebody/main/init/pid1)
├── capelet-abi v0.1.0 (/home/somebody/main/init/abi)
│   └── zeroize v1.9.2
│       └── zeroize_derive v1.5.0 (proc-macro)
└── nix v0.31.3
    ├── libc v0.2.191
    ├── memoffset v0.9.1
    │   [build-dependencies]
    │   └── autocfg v1.5.0
    └── zeroize v1.9.2 (*)
";

    #[test]
    fn reads_crates_and_edges_and_leaves_folders_out() {
        let tree = CrateTree::parse(SAMPLE).unwrap();
        let names: Vec<_> = tree.crates.iter().map(ToString::to_string).collect();
        assert_eq!(
            names.join(" "),
            "autocfg-1.5.0 capelet-abi-0.1.0 capelet-pid1-0.1.0 libc-0.2.191 memoffset-0.9.1 nix-0.31.3 zeroize-1.9.2 \
             zeroize_derive-1.5.0"
        );
        let edges: Vec<_> = tree.edges.iter().map(|(from, to)| format!("{}>{}", from.name, to.name)).collect();
        assert_eq!(
            edges.join(" "),
            "capelet-abi>zeroize capelet-pid1>capelet-abi capelet-pid1>nix memoffset>autocfg nix>libc nix>memoffset \
             nix>zeroize zeroize>zeroize_derive"
        );
        assert!(tree.text.starts_with("capelet-pid1 v0.1.0\n├── capelet-abi v0.1.0\n│   └── zeroize v1.9.2\n"));
        assert!(tree.text.contains("zeroize_derive v1.5.0\n"));
        assert!(tree.text.ends_with("    └── zeroize v1.9.2 (*)\n"));
    }

    #[test]
    fn rejects_lines_without_a_version() {
        assert!(CrateTree::parse("error: no such package").is_err());
    }
}
