//! Small source trees for tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::repo_path::RepoPath;
use crate::workspace::{Library, Package, PackageName, Workspace};

/// A folder with files, which is deleted when this is dropped.
pub struct Sample {
    folder: TempDir,
}

impl Sample {
    /// Writes each text to its path.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The package in this folder: a library if there is `lib.rs`, a program if there is `main.rs`.
    pub fn package(&self, folder: &str) -> Package {
        let folder = RepoPath::new(folder);
        let source = folder.join("src");
        let there = |name: &str| Some(source.join(name)).filter(|path| path.on_disk(self.root()).is_file());
        Package {
            name: PackageName::new(folder.name()),
            version: "0.1.0".into(),
            library: there("lib.rs").map(|root| Library { crate_name: folder.name().replace('-', "_"), root }),
            programs: there("main.rs").into_iter().collect(),
            dependencies: BTreeSet::new(),
            folder,
        }
    }

    /// A workspace of the packages in these folders.
    pub fn workspace(&self, folders: &[&str]) -> Workspace {
        Workspace { root: self.root().into(), packages: folders.iter().map(|folder| self.package(folder)).collect() }
    }
}
