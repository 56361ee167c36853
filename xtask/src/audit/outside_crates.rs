//! The crates of other projects inside the image, with their sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::audit::code_size::{outside_lines, outside_unsafe};
use crate::audit::crate_tree::{CrateId, CrateTree};
use crate::audit::programs::Program;
use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::source::files::rust_files;
use crate::workspace::Workspace;

/// A crate of another project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideCrate {
    pub id: CrateId,
    pub lines: usize,
    pub unsafe_count: usize,
    /// The names of the programs that contain it.
    pub programs: BTreeSet<&'static str>,
}

/// Measures the crates in these trees, largest first. `sources` is the folder that crates.sh unpacked them into.
///
/// # Errors
/// `Io`, if a crate is missing there or cannot be read.
pub fn measure(
    workspace: &Workspace,
    trees: &[(&Program, CrateTree)],
    sources: &Path,
) -> Result<Vec<OutsideCrate>, Error> {
    let mut programs: BTreeMap<&CrateId, BTreeSet<&'static str>> = BTreeMap::new();
    for (program, tree) in trees {
        for id in &tree.crates {
            if !workspace.packages.iter().any(|package| package.name.as_str() == id.name) {
                programs.entry(id).or_default().insert(program.name);
            }
        }
    }
    let mut crates = Vec::new();
    for (id, programs) in programs {
        let (mut lines, mut unsafe_count) = (0, 0);
        for file in rust_files(sources, &RepoPath::new(&id.to_string()).join("src"))? {
            let path = file.on_disk(sources);
            let bytes = fs::read(&path).map_err(|source| Error::Io { doing: "read", path, source })?;
            // A file that is not UTF-8 is no Rust. Its lines count all the same.
            let text = String::from_utf8_lossy(&bytes);
            lines += outside_lines(&text);
            unsafe_count += outside_unsafe(&text);
        }
        crates.push(OutsideCrate { id: id.clone(), lines, unsafe_count, programs });
    }
    crates.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| a.id.to_string().cmp(&b.id.to_string())));
    Ok(crates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::programs::PROGRAMS;
    use crate::sample::Sample;

    fn tree(crates: &[(&str, &str)]) -> CrateTree {
        let id = |(name, version): &(&str, &str)| CrateId { name: (*name).into(), version: (*version).into() };
        CrateTree { text: String::new(), crates: crates.iter().map(id).collect(), edges: BTreeSet::new() }
    }

    #[test]
    fn measures_crates_once_and_names_their_programs() {
        let sample = Sample::new(&[
            ("libc-0.2.1/src/lib.rs", "// comment\npub unsafe fn f() {}\n"),
            ("libc-0.2.1/src/linux/mod.rs", "\npub fn g() {\n}\n"),
            ("libc-0.2.1/build.rs", "fn main() {}\n"),
            ("cfg-if-1.0.0/src/lib.rs", "macro_rules! x { () => {} }\n"),
        ]);
        let workspace = sample.workspace(&["a"]);
        let trees = [
            (&PROGRAMS[0], tree(&[("a", "0.1.0"), ("libc", "0.2.1")])),
            (&PROGRAMS[1], tree(&[("libc", "0.2.1"), ("cfg-if", "1.0.0")])),
        ];
        let crates = measure(&workspace, &trees, sample.root()).unwrap();
        let shown: Vec<_> =
            crates.iter().map(|c| (c.id.to_string(), c.lines, c.unsafe_count, c.programs.len())).collect();
        assert_eq!(shown, [("libc-0.2.1".into(), 3, 1, 2), ("cfg-if-1.0.0".into(), 1, 0, 1)]);
    }

    #[test]
    fn a_crate_that_was_not_unpacked_is_an_error() {
        let sample = Sample::new(&[]);
        let trees = [(&PROGRAMS[0], tree(&[("gone", "1.0.0")]))];
        let error = measure(&sample.workspace(&[]), &trees, sample.root()).unwrap_err().to_string();
        assert!(error.starts_with("cannot list") && error.contains("gone-1.0.0/src"), "{error}");
    }
}
