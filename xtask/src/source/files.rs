//! The files of a package, found by following its `mod` declarations as rustc does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::spanned::Spanned as _;
use syn::{Expr, Item, ItemMod, Lit, Meta};

use crate::error::Error;
use crate::repo_path::RepoPath;
use crate::source::file::SourceFile;
use crate::source::left_out::{Build, is_left_out};
use crate::workspace::Package;

/// The source files of a package's library and programs.
pub struct PackageFiles {
    /// Every file that the build compiles.
    pub files: BTreeMap<RepoPath, SourceFile>,
    /// Files of `src/` that the build leaves out.
    pub left_out: BTreeSet<RepoPath>,
    /// Files of `src/` that no `mod` declaration leads to.
    pub unreached: BTreeSet<RepoPath>,
    build: Build,
}

impl PackageFiles {
    /// # Errors
    /// `Io`, if a file cannot be read; `Format`, if one is not Rust or declares a module without a file.
    pub fn read(root: &Path, package: &Package, build: Build) -> Result<Self, Error> {
        let mut found = Self { files: BTreeMap::new(), left_out: BTreeSet::new(), unreached: BTreeSet::new(), build };
        for file in package.roots() {
            found.follow(root, SourceFile::read(root, file.clone(), build)?, true)?;
        }
        // A module may be declared twice, once for tests alone.
        found.left_out.retain(|file| !found.files.contains_key(file));
        let present = rust_files(root, &package.source_folder())?;
        found.unreached =
            present.into_iter().filter(|p| !found.files.contains_key(p) && !found.left_out.contains(p)).collect();
        Ok(found)
    }

    /// Reads the files of the modules that `file` declares, and keeps all of them.
    fn follow(&mut self, root: &Path, file: SourceFile, is_root: bool) -> Result<(), Error> {
        let place = ModulePlace::of_file(&file.path, is_root);
        self.follow_items(root, &file, &file.syntax.items, &place, false)?;
        self.files.insert(file.path.clone(), file);
        Ok(())
    }

    fn follow_items(
        &mut self,
        root: &Path,
        file: &SourceFile,
        items: &[Item],
        place: &ModulePlace,
        left_out: bool,
    ) -> Result<(), Error> {
        for item in items {
            let Item::Mod(module) = item else { continue };
            let left_out = left_out || is_left_out(&module.attrs, self.build);
            if let Some((_, items)) = &module.content {
                self.follow_items(root, file, items, &place.inline(module), left_out)?;
                continue;
            }
            let candidates = place.candidates(module);
            let Some(path) = candidates.iter().find(|path| path.on_disk(root).is_file()) else {
                let line = module.span().start().line;
                let tried: Vec<_> = candidates.iter().map(|path| path.as_str()).collect();
                let reason =
                    format!("module `{}` has no file: create {} or remove it", module.ident, tried.join(" or "));
                return Err(Error::Format { path: file.path.clone(), line, reason });
            };
            if left_out {
                self.left_out.insert(path.clone());
                let child = SourceFile::read(root, path.clone(), self.build)?;
                self.follow_items(root, &child, &child.syntax.items, &ModulePlace::of_file(path, false), true)?;
            } else if !self.files.contains_key(path) {
                self.follow(root, SourceFile::read(root, path.clone(), self.build)?, false)?;
            }
        }
        Ok(())
    }
}

/// Where rustc looks for the files of a module's children.
pub struct ModulePlace {
    /// The folder of the file that the module stands in.
    file_folder: RepoPath,
    /// The folder of the children's files.
    children: RepoPath,
    is_inline: bool,
}

impl ModulePlace {
    /// The place of the module that is the whole file. `is_root` is true for `lib.rs`, `main.rs` and their like.
    pub fn of_file(file: &RepoPath, is_root: bool) -> Self {
        let folder = file.folder();
        let stem = file.name().trim_end_matches(".rs");
        let children = if is_root || stem == "mod" { folder.clone() } else { folder.join(stem) };
        Self { file_folder: folder, children, is_inline: false }
    }

    /// The place of a module that stands in the same file with its body.
    pub fn inline(&self, module: &ItemMod) -> Self {
        let children = self.children.join(&path_attribute(module).unwrap_or_else(|| name_of(module)));
        Self { file_folder: self.file_folder.clone(), children, is_inline: true }
    }

    /// The files that may hold `module`, in the order in which rustc tries them.
    pub fn candidates(&self, module: &ItemMod) -> Vec<RepoPath> {
        if let Some(path) = path_attribute(module) {
            let folder = if self.is_inline { &self.children } else { &self.file_folder };
            return vec![folder.join(&path)];
        }
        let name = name_of(module);
        vec![self.children.join(&format!("{name}.rs")), self.children.join(&format!("{name}/mod.rs"))]
    }
}

/// The module's name without `r#`.
pub fn name_of(module: &ItemMod) -> String {
    module.ident.to_string().trim_start_matches("r#").into()
}

/// The value of `#[path = "…"]`.
fn path_attribute(module: &ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// Every `.rs` file below `folder`, in the order of their paths.
///
/// # Errors
/// `Io`, if a folder cannot be listed.
pub fn rust_files(root: &Path, folder: &RepoPath) -> Result<BTreeSet<RepoPath>, Error> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.on_disk(root)];
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::Io { doing: "list", path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(RepoPath::below(root, &path)?);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn follows_declared_modules_and_sets_test_files_apart() {
        let sample = Sample::new(&[
            ("a/src/lib.rs", "mod one;\nmod two;\n#[cfg(test)]\nmod tests;\n"),
            ("a/src/one.rs", "mod deep;\n#[cfg(test)]\n#[path = \"one_tests.rs\"]\nmod tests;\n"),
            ("a/src/one/deep.rs", ""),
            ("a/src/one_tests.rs", ""),
            ("a/src/two/mod.rs", "mod inner { mod leaf; }"),
            ("a/src/two/inner/leaf.rs", ""),
            ("a/src/tests.rs", "mod more;"),
            ("a/src/tests/more.rs", ""),
            ("a/src/forgotten.rs", ""),
        ]);
        let files = PackageFiles::read(sample.root(), &sample.package("a"), Build::Workspace).unwrap();
        let names = |paths: Vec<&RepoPath>| paths.iter().map(|path| path.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(files.files.keys().collect()),
            "a/src/lib.rs a/src/one.rs a/src/one/deep.rs a/src/two/inner/leaf.rs a/src/two/mod.rs"
        );
        assert_eq!(names(files.left_out.iter().collect()), "a/src/one_tests.rs a/src/tests.rs a/src/tests/more.rs");
        assert_eq!(names(files.unreached.iter().collect()), "a/src/forgotten.rs");
    }

    #[test]
    fn a_module_without_a_file_is_an_error_with_its_line() {
        let sample = Sample::new(&[("a/src/lib.rs", "\nmod gone;\n")]);
        let error = PackageFiles::read(sample.root(), &sample.package("a"), Build::Workspace).err().unwrap();
        assert_eq!(
            error.to_string(),
            "a/src/lib.rs:2: module `gone` has no file: create a/src/gone.rs or a/src/gone/mod.rs or remove it"
        );
    }
}
