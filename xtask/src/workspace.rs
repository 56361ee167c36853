//! The packages of the workspace, as cargo lists them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, TargetKind};

use crate::error::Error;
use crate::repo_path::RepoPath;

/// The name of a package, as in its manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName(String);

impl PackageName {
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A package of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    pub name: PackageName,
    pub version: String,
    pub folder: RepoPath,
    /// The root file of the library, if there is one.
    pub library: Option<Library>,
    /// The root file of each program.
    pub programs: Vec<RepoPath>,
    /// The packages of the workspace that this one depends on: normal dependencies only.
    pub dependencies: BTreeSet<PackageName>,
}

/// The library of a package.
#[derive(Clone, Debug)]
pub struct Library {
    /// The name that Rust code uses, with `_`.
    pub crate_name: String,
    pub root: RepoPath,
}

impl Package {
    /// The folder of the sources that are compiled into the library and the programs.
    pub fn source_folder(&self) -> RepoPath {
        self.folder.join("src")
    }

    /// The root files of the library and of the programs.
    pub fn roots(&self) -> impl Iterator<Item = &RepoPath> {
        self.library.iter().map(|library| &library.root).chain(&self.programs)
    }
}

/// All packages of the workspace, sorted by folder.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub root: PathBuf,
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Asks cargo for the workspace of the current folder.
    ///
    /// # Errors
    /// `Metadata`, if cargo cannot list it; `Outside`, if a package lies outside the workspace's folder.
    pub fn load() -> Result<Self, Error> {
        let options = ["--locked", "--offline"].map(String::from);
        let metadata = MetadataCommand::new().no_deps().other_options(options).exec().map_err(Error::Metadata)?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Metadata) -> Result<Self, Error> {
        let root: &Path = metadata.workspace_root.as_std_path();
        let members = metadata.workspace_packages();
        let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
        let mut packages = Vec::new();
        for member in &members {
            let mut library = None;
            let mut programs = Vec::new();
            for target in &member.targets {
                let path = || RepoPath::below(root, target.src_path.as_std_path());
                if target.is_kind(TargetKind::Lib) {
                    library = Some(Library { crate_name: target.name.replace('-', "_"), root: path()? });
                } else if target.is_kind(TargetKind::Bin) {
                    programs.push(path()?);
                }
            }
            programs.sort();
            let dependencies = member.dependencies.iter();
            packages.push(Package {
                name: PackageName::new(&member.name),
                version: member.version.to_string(),
                folder: RepoPath::below(root, member.manifest_path.as_std_path())?.folder(),
                library,
                programs,
                dependencies: dependencies
                    .filter(|needed| needed.kind == DependencyKind::Normal && needed.path.is_some())
                    .filter(|needed| names.contains(needed.name.as_str()))
                    .map(|needed| PackageName::new(&needed.name))
                    .collect(),
            });
        }
        packages.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(Self { root: root.into(), packages })
    }
}
