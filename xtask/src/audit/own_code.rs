//! Our own code inside the image.

use std::collections::BTreeSet;

use crate::audit::code_size::FileSize;
use crate::audit::crate_tree::CrateTree;
use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::source::files::PackageFiles;
use crate::source::left_out::Build;
use crate::workspace::{Package, Workspace};

/// Only files of this name may contain unsafe code.
const UNSAFE_FILE: &str = "sys.rs";

/// The sources of one of our packages.
#[derive(Clone, Debug)]
pub struct OwnFolder {
    pub folder: RepoPath,
    pub files: Vec<OwnFile>,
}

#[derive(Clone, Debug)]
pub struct OwnFile {
    pub path: RepoPath,
    pub size: FileSize,
}

impl OwnFolder {
    pub fn lines(&self) -> usize {
        self.files.iter().map(|file| file.size.lines).sum()
    }

    pub fn unsafe_count(&self) -> usize {
        self.files.iter().map(|file| file.size.unsafe_lines.len()).sum()
    }
}

/// The packages of the workspace that these trees contain, sorted by folder.
pub fn own_packages<'a>(workspace: &'a Workspace, trees: &[CrateTree]) -> Vec<&'a Package> {
    let inside: BTreeSet<&str> =
        trees.iter().flat_map(|tree| &tree.crates).map(|inside| inside.name.as_str()).collect();
    workspace.packages.iter().filter(|package| inside.contains(package.name.as_str())).collect()
}

/// Measures the sources of these packages.
///
/// # Errors
/// `Faults`, if a file other than `sys.rs` contains unsafe code; those of [`PackageFiles::read`].
pub fn measure(workspace: &Workspace, packages: &[&Package]) -> Result<Vec<OwnFolder>, Error> {
    let mut folders = Vec::new();
    let mut faults = Vec::new();
    for package in packages {
        let files = PackageFiles::read(&workspace.root, package, Build::Image)?;
        let mut measured = Vec::new();
        for (path, file) in &files.files {
            let size = FileSize::of(file);
            if path.name() != UNSAFE_FILE {
                let lines = size.unsafe_lines.iter();
                faults.extend(lines.map(|line| format!("{path}: unsafe code outside of {UNSAFE_FILE}: `{line}`")));
            }
            measured.push(OwnFile { path: path.clone(), size });
        }
        folders.push(OwnFolder { folder: package.source_folder(), files: measured });
    }
    if faults.is_empty() { Ok(folders) } else { Err(Error::Faults(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn measures_the_files_of_a_build_without_tests() {
        let sample = Sample::new(&[
            ("a/src/lib.rs", "mod sys;\n#[cfg(test)]\nmod tests;\n"),
            ("a/src/sys.rs", "pub fn f() {\n    unsafe { g() }\n}\n"),
            ("a/src/tests.rs", "fn t() { unsafe { g() } }\n"),
        ]);
        let workspace = sample.workspace(&["a"]);
        let folders = measure(&workspace, &[&workspace.packages[0]]).unwrap();
        assert_eq!(folders[0].folder, RepoPath::new("a/src"));
        assert_eq!((folders[0].files.len(), folders[0].lines(), folders[0].unsafe_count()), (2, 4, 1));
    }

    #[test]
    fn rejects_unsafe_code_outside_of_sys_rs() {
        let sample = Sample::new(&[("a/src/lib.rs", "fn f() {\n    unsafe { g() }\n}\n")]);
        let workspace = sample.workspace(&["a"]);
        let error = measure(&workspace, &[&workspace.packages[0]]).unwrap_err().to_string();
        assert_eq!(error, "a/src/lib.rs: unsafe code outside of sys.rs: `unsafe { g() }`\n1 fault");
    }
}
