//! The names of a package's modules, and which file defines what a path leads to.
//!
//! This follows rustc's rules for paths closely enough to find files. It does not check visibility, it does not expand
//! macros, and it does not look for methods, which need types.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::Item;

use crate::imports::import::{Import, imports_of};
use crate::repo_path::RepoPath;
use crate::source::modules::{ModuleId, ModuleTree};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target<'a> {
    Module(ModuleId),
    /// Something else that this file defines.
    Item(&'a RepoPath),
}

/// What one name in one module stands for.
enum Binding {
    Module(ModuleId),
    /// An item of the module's own file.
    Item,
    /// An index into the imports.
    Import(usize),
}

#[derive(Default)]
struct Scope {
    names: BTreeMap<String, Vec<Binding>>,
    /// The imports with `*`.
    globs: Vec<usize>,
    /// Whether the module itself defines something other than modules and imports.
    defines_items: bool,
}

/// The names of all modules of a package.
pub struct Names<'a> {
    tree: &'a ModuleTree<'a>,
    scopes: BTreeMap<ModuleId, Scope>,
    pub imports: Vec<Import>,
    /// Modules that define each `macro_rules!` macro: such a name needs no import.
    macros: BTreeMap<String, Vec<ModuleId>>,
}

/// The names whose meaning is being looked up, so that imports that lead to each other end.
type Pending = Vec<(ModuleId, String)>;

impl<'a> Names<'a> {
    pub fn of(tree: &'a ModuleTree<'a>) -> Self {
        let mut names = Self { tree, scopes: BTreeMap::new(), imports: Vec::new(), macros: BTreeMap::new() };
        for id in tree.ids() {
            names.add_module(id);
        }
        names
    }

    fn add_module(&mut self, id: ModuleId) {
        let module = self.tree.get(id);
        let mut scope = Scope::default();
        for (name, child) in &module.children {
            scope.names.entry(name.clone()).or_default().push(Binding::Module(*child));
        }
        for item in module.items {
            let Some((name, span)) = defined_name(item) else { continue };
            if module.file.left_out.contains(span.start()) {
                continue;
            }
            scope.defines_items = true;
            scope.names.entry(name.clone()).or_default().push(Binding::Item);
            if matches!(item, Item::Macro(_)) {
                self.macros.entry(name).or_default().push(id);
            }
        }
        for import in imports_of(id, module.items) {
            if module.file.left_out.contains(import.span.start()) {
                continue;
            }
            let index = self.imports.len();
            if import.is_glob {
                scope.globs.push(index);
            } else if let Some(name) = &import.name {
                scope.names.entry(name.clone()).or_default().push(Binding::Import(index));
            }
            self.imports.push(import);
        }
        self.scopes.insert(id, scope);
    }

    /// Whether the module itself defines something, and is not only a list of modules and imports.
    pub fn defines_items(&self, module: ModuleId) -> bool {
        self.scopes.get(&module).is_some_and(|scope| scope.defines_items)
    }

    /// What an import leads to: nothing, if that is outside the package.
    pub fn resolve_import(&self, import: &Import) -> Vec<Target<'a>> {
        self.import_targets(import, &mut Pending::new())
    }

    /// What `path`, as it stands in `module`, leads to: nothing, if that is outside the package.
    pub fn resolve(&self, module: ModuleId, path: &[String]) -> Vec<Target<'a>> {
        self.path_targets(module, path, &mut Pending::new())
    }

    /// The file that defines the macro that is called as `name!` without an import.
    pub fn resolve_macro(&self, name: &str) -> Vec<Target<'a>> {
        let modules = self.macros.get(name).map(Vec::as_slice).unwrap_or_default();
        modules.iter().map(|module| Target::Item(self.file(*module))).collect()
    }

    pub fn file(&self, module: ModuleId) -> &'a RepoPath {
        &self.tree.get(module).file.path
    }

    fn import_targets(&self, import: &Import, pending: &mut Pending) -> Vec<Target<'a>> {
        if import.is_external { Vec::new() } else { self.path_targets(import.module, &import.path, pending) }
    }

    fn path_targets(&self, module: ModuleId, path: &[String], pending: &mut Pending) -> Vec<Target<'a>> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" | "$crate" => vec![Target::Module(self.tree.get(module).root)],
            "self" => vec![Target::Module(module)],
            "super" => self.parent(module),
            name => self.lookup(module, name, pending),
        };
        if targets.is_empty() {
            targets
                .extend(self.tree.library.iter().filter(|(name, _)| name == first).map(|(_, id)| Target::Module(*id)));
        }
        for name in rest {
            targets = self.step(&targets, name, pending);
        }
        targets
    }

    fn parent(&self, module: ModuleId) -> Vec<Target<'a>> {
        self.tree.get(module).parent.map(Target::Module).into_iter().collect()
    }

    /// What `name` means behind each of `targets`. Variants and functions of a type belong to the type's file.
    fn step(&self, targets: &[Target<'a>], name: &str, pending: &mut Pending) -> Vec<Target<'a>> {
        let mut found = Vec::new();
        let mut unknown = None;
        for target in targets {
            let Target::Module(module) = target else { continue };
            if name == "super" {
                found.extend(self.parent(*module));
            } else if name == "self" {
                found.push(*target);
            } else {
                found.extend(self.lookup(*module, name, pending));
                unknown = Some(Target::Item(self.file(*module)));
            }
        }
        if found.is_empty() {
            found.extend(targets.iter().filter(|target| matches!(target, Target::Item(_))));
        }
        // A macro of that module defines the name, so it belongs to the module's file.
        if found.is_empty() {
            found.extend(unknown);
        }
        found
    }

    /// What `name` means in `module`.
    fn lookup(&self, module: ModuleId, name: &str, pending: &mut Pending) -> Vec<Target<'a>> {
        let key = (module, name.to_string());
        let Some(scope) = self.scopes.get(&module).filter(|_| !pending.contains(&key)) else { return Vec::new() };
        pending.push(key);
        let mut found = Vec::new();
        for binding in scope.names.get(name).map(Vec::as_slice).unwrap_or_default() {
            match binding {
                Binding::Module(child) => found.push(Target::Module(*child)),
                Binding::Item => found.push(Target::Item(self.file(module))),
                Binding::Import(index) => {
                    let targets = self.import_targets(&self.imports[*index], pending);
                    // The import names something of another package: inside this package it comes from here.
                    let external = targets.is_empty().then(|| Target::Item(self.file(module)));
                    found.extend(targets.into_iter().chain(external));
                }
            }
        }
        if found.is_empty() {
            for index in &scope.globs {
                for target in self.import_targets(&self.imports[*index], pending) {
                    if let Target::Module(from) = target {
                        found.extend(self.lookup(from, name, pending));
                    }
                }
            }
        }
        pending.pop();
        found.sort();
        found.dedup();
        found
    }
}

/// The name that an item defines, other than a module's or an import's.
fn defined_name(item: &Item) -> Option<(String, Span)> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some((ident.to_string(), ident.span()))
}
