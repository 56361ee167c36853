//! What the `use` declarations of a module bring in.

use proc_macro2::Span;
use syn::visit::Visit;
use syn::{Item, UseTree};

use crate::source::modules::ModuleId;

/// One name, or one `*`, that a `use` declaration brings in.
pub struct Import {
    pub module: ModuleId,
    pub path: Vec<String>,
    /// Whether the path begins with `::`, so that it leads out of the package.
    pub is_external: bool,
    /// The name in this module. `None` for `*` and for `as _`.
    pub name: Option<String>,
    pub is_glob: bool,
    pub span: Span,
}

/// The imports of one module, also those inside of functions, and not those of the modules in it.
pub fn imports_of(module: ModuleId, items: &[Item]) -> Vec<Import> {
    let mut collector = ImportCollector { module, imports: Vec::new() };
    for item in items {
        collector.visit_item(item);
    }
    collector.imports
}

struct ImportCollector {
    module: ModuleId,
    imports: Vec<Import>,
}

impl<'a> Visit<'a> for ImportCollector {
    fn visit_item_mod(&mut self, _: &'a syn::ItemMod) {}

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.add(&item.tree, &mut Vec::new(), item.leading_colon.is_some());
    }
}

impl ImportCollector {
    fn add(&mut self, tree: &UseTree, path: &mut Vec<String>, is_external: bool) {
        let mut import = |path: Vec<String>, name: Option<String>, is_glob, span| {
            self.imports.push(Import { module: self.module, path, is_external, name, is_glob, span });
        };
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.add(&inner.tree, path, is_external);
                path.pop();
            }
            UseTree::Name(last) if last.ident == "self" => {
                import(path.clone(), path.last().cloned(), false, last.ident.span());
            }
            UseTree::Name(last) => {
                let name = last.ident.to_string();
                let path = path.iter().chain([&name]).cloned().collect();
                import(path, Some(name), false, last.ident.span());
            }
            UseTree::Rename(last) => {
                let itself = last.ident == "self";
                let path = path.iter().cloned().chain((!itself).then(|| last.ident.to_string())).collect();
                let name = Some(last.rename.to_string()).filter(|name| name != "_");
                import(path, name, false, last.ident.span());
            }
            UseTree::Glob(star) => {
                import(path.clone(), None, true, star.star_token.spans[0]);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add(tree, path, is_external);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::source::files::PackageFiles;
    use crate::source::modules::ModuleTree;

    #[test]
    fn flattens_groups_renames_globs_and_imports_in_functions() {
        let sample = Sample::new(&[(
            "a/src/lib.rs",
            "use b::{self, c::*, D as E, F as _};\nuse ::g::h;\nfn f() {\n    use i::J;\n}\nmod inner {\n    use k::L;\n}\n",
        )]);
        let package = sample.package("a");
        let files = PackageFiles::read(sample.root(), &package, crate::source::left_out::Build::Workspace).unwrap();
        let tree = ModuleTree::of(&package, &files);
        let root = tree.ids().next().unwrap();
        let shown = |import: &Import| {
            let name = import.name.as_deref().unwrap_or("_");
            format!("{}{} as {name}", if import.is_external { "::" } else { "" }, import.path.join("::"))
        };
        let imports: Vec<_> = imports_of(root, tree.get(root).items).iter().map(shown).collect();
        assert_eq!(imports, ["b as b", "b::c as _", "b::D as E", "b::F as _", "::g::h as h", "i::J as J"]);
    }
}
