//! The modules of a package: which file and which items each one consists of, and which modules are in it.

use std::collections::BTreeMap;

use syn::Item;

use crate::repo_path::RepoPath;
use crate::source::file::SourceFile;
use crate::source::files::{ModulePlace, PackageFiles, name_of};
use crate::source::left_out::{Build, is_left_out};
use crate::workspace::Package;

/// A module's index in its [`ModuleTree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleId(usize);

/// A module that is compiled without tests.
pub struct Module<'a> {
    /// `None` for the root of a crate.
    pub parent: Option<ModuleId>,
    /// The root of the module's crate.
    pub root: ModuleId,
    pub file: &'a SourceFile,
    pub items: &'a [Item],
    pub children: BTreeMap<String, ModuleId>,
}

/// All modules of a package's library and programs.
pub struct ModuleTree<'a> {
    modules: Vec<Module<'a>>,
    /// The name of the library's crate, and its root.
    pub library: Option<(String, ModuleId)>,
}

impl<'a> ModuleTree<'a> {
    pub fn of(package: &Package, files: &'a PackageFiles) -> Self {
        let mut tree = Self { modules: Vec::new(), library: None };
        for path in package.roots() {
            let Some(file) = files.files.get(path) else { continue };
            let id = tree.add(None, file, &file.syntax.items);
            tree.fill(id, &ModulePlace::of_file(path, true), files);
            if let Some(library) = package.library.as_ref().filter(|library| library.root == *path) {
                tree.library = Some((library.crate_name.clone(), id));
            }
        }
        tree
    }

    pub fn get(&self, id: ModuleId) -> &Module<'a> {
        &self.modules[id.0]
    }

    pub fn ids(&self) -> impl Iterator<Item = ModuleId> {
        (0..self.modules.len()).map(ModuleId)
    }

    fn add(&mut self, parent: Option<ModuleId>, file: &'a SourceFile, items: &'a [Item]) -> ModuleId {
        let id = ModuleId(self.modules.len());
        let root = parent.map_or(id, |parent| self.get(parent).root);
        self.modules.push(Module { parent, root, file, items, children: BTreeMap::new() });
        id
    }

    /// Adds the modules that this one declares.
    fn fill(&mut self, id: ModuleId, place: &ModulePlace, files: &'a PackageFiles) {
        let Module { file, items, .. } = *self.get(id);
        for item in items {
            let Item::Mod(module) = item else { continue };
            if is_left_out(&module.attrs, Build::Workspace) {
                continue;
            }
            let (child, place) = match &module.content {
                Some((_, items)) => (self.add(Some(id), file, items), place.inline(module)),
                None => {
                    let mut candidates = place.candidates(module).into_iter();
                    let Some(file) = candidates.find_map(|path| files.files.get(&path)) else { continue };
                    (self.add(Some(id), file, &file.syntax.items), ModulePlace::of_file(&file.path, false))
                }
            };
            self.modules[id.0].children.insert(name_of(module), child);
            self.fill(child, &place, files);
        }
    }
}

impl Module<'_> {
    pub fn path(&self) -> &RepoPath {
        &self.file.path
    }
}
