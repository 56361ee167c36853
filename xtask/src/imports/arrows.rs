//! Which file of a package depends on which other file, and at which line.

use std::collections::BTreeMap;

use proc_macro2::{LineColumn, Span};
use syn::visit::{self, Visit};
use syn::{Expr, Lit, Meta};

use crate::imports::names::{Names, Target};
use crate::imports::token_paths::paths_in_tokens;
use crate::repo_path::RepoPath;
use crate::source::modules::{ModuleId, ModuleTree};

/// For each file the files that it depends on, each with the first line that needs it.
///
/// A `mod` declaration is no dependency. The import of a module by itself is none either: the paths through it are.
pub type Arrows = BTreeMap<RepoPath, BTreeMap<RepoPath, usize>>;

/// Collects the arrows of a package. Code that only a test build compiles is left out.
pub fn arrows(tree: &ModuleTree<'_>) -> Arrows {
    let names = Names::of(tree);
    let mut collected = Arrows::new();
    for id in tree.ids() {
        collected.entry(tree.get(id).path().clone()).or_default();
    }
    let mut add = |module: ModuleId, at: LineColumn, targets: Vec<Target<'_>>| {
        let from = tree.get(module).file;
        if from.left_out.contains(at) {
            return;
        }
        for target in targets {
            let Target::Item(to) = target else { continue };
            if *to != from.path {
                let line = collected.entry(from.path.clone()).or_default().entry(to.clone()).or_insert(at.line);
                *line = at.line.min(*line);
            }
        }
    };
    for import in &names.imports {
        let mut targets = names.resolve_import(import);
        if import.is_glob {
            targets = targets.into_iter().filter_map(|target| whole_module(&names, target)).collect();
        }
        add(import.module, import.span.start(), targets);
    }
    for id in tree.ids() {
        let mut collector = PathCollector { found: Vec::new() };
        for item in tree.get(id).items {
            collector.visit_item(item);
        }
        for use_ in collector.found {
            let mut targets = names.resolve(id, &use_.path);
            match (use_.kind, use_.path.as_slice()) {
                (Kind::Macro, [name]) if targets.is_empty() => targets = names.resolve_macro(name),
                // serde's `with = "module"` uses the functions of the module.
                (Kind::Text, _) => {
                    targets = targets.into_iter().filter_map(|target| whole_module(&names, target)).collect();
                }
                _ => {}
            }
            add(id, use_.span.start(), targets);
        }
    }
    collected
}

/// An import of everything in a module depends on the module's file, unless that only passes on what others define.
fn whole_module<'a>(names: &Names<'a>, target: Target<'a>) -> Option<Target<'a>> {
    match target {
        Target::Module(module) => names.defines_items(module).then(|| Target::Item(names.file(module))),
        Target::Item(_) => Some(target),
    }
}

/// Where a path stands.
#[derive(Clone, Copy)]
enum Kind {
    Code,
    /// The name of a macro that is called.
    Macro,
    /// A string in an attribute.
    Text,
}

struct PathUse {
    path: Vec<String>,
    kind: Kind,
    span: Span,
}

/// Collects the paths of one module, and not those of the modules in it.
struct PathCollector {
    found: Vec<PathUse>,
}

impl PathCollector {
    fn add(&mut self, path: &syn::Path, kind: Kind) {
        let Some(first) = path.segments.first().filter(|_| path.leading_colon.is_none()) else { return };
        let span = first.ident.span();
        let path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.found.push(PathUse { path, kind, span });
    }

    fn add_tokens(&mut self, tokens: &proc_macro2::TokenStream) {
        let paths = paths_in_tokens(tokens).into_iter();
        self.found.extend(paths.map(|(path, span)| PathUse { path, kind: Kind::Code, span }));
    }
}

impl<'a> Visit<'a> for PathCollector {
    fn visit_item_mod(&mut self, _: &'a syn::ItemMod) {}

    fn visit_item_use(&mut self, _: &'a syn::ItemUse) {}

    // `pub(in crate::a)` needs nothing of `a`.
    fn visit_visibility(&mut self, _: &'a syn::Visibility) {}

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.add(path, Kind::Code);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.add(&call.path, Kind::Macro);
        self.add_tokens(&call.tokens);
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        match &attribute.meta {
            Meta::List(list) => {
                self.add_tokens(&list.tokens);
                for text in strings(&list.tokens) {
                    if let Ok(path) = text.parse::<syn::Path>() {
                        self.found.push(PathUse {
                            path: path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
                            kind: Kind::Text,
                            span: text.span(),
                        });
                    }
                }
            }
            Meta::NameValue(pair) => {
                if let Expr::Macro(call) = &pair.value {
                    self.visit_macro(&call.mac);
                }
            }
            Meta::Path(_) => {}
        }
    }
}

/// The string literals of an attribute.
fn strings(tokens: &proc_macro2::TokenStream) -> Vec<syn::LitStr> {
    let literals = tokens.clone().into_iter().filter_map(|token| match token {
        proc_macro2::TokenTree::Literal(literal) => Some(Lit::new(literal)),
        _ => None,
    });
    literals.filter_map(|literal| if let Lit::Str(text) = literal { Some(text) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use crate::source::files::PackageFiles;

    /// The arrows of a package whose files these are, as `a->b:line`.
    fn arrows_of(files: &[(&str, &str)]) -> String {
        let paths: Vec<_> = files.iter().map(|(path, text)| (format!("p/src/{path}"), *text)).collect();
        let sample = Sample::new(&paths.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>());
        let package = sample.package("p");
        let files = PackageFiles::read(sample.root(), &package, crate::source::left_out::Build::Workspace).unwrap();
        let short = |path: &RepoPath| path.as_str().trim_start_matches("p/src/").trim_end_matches(".rs").to_string();
        let arrows = arrows(&ModuleTree::of(&package, &files));
        let each = arrows.iter().flat_map(|(from, to)| to.iter().map(move |(to, line)| (from, to, line)));
        each.map(|(from, to, line)| format!("{}->{}:{line}", short(from), short(to))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_use_is_an_arrow_to_the_file_that_defines_the_item() {
        let found = arrows_of(&[
            ("lib.rs", "mod error;\nmod inner;\npub use error::Error;\n"),
            ("error.rs", "pub struct Error;\n"),
            ("inner.rs", "\nuse crate::Error;\nfn f(_: Error) {}\n"),
        ]);
        assert_eq!(found, "inner->error:2 lib->error:3");
    }

    #[test]
    fn follows_reexports_through_several_modules_and_globs() {
        let found = arrows_of(&[
            ("lib.rs", "mod a;\nmod user;\npub use a::*;\n"),
            ("a/mod.rs", "mod b;\npub use b::*;\n"),
            ("a/b.rs", "mod c;\npub use self::c::C as D;\n"),
            ("a/b/c.rs", "pub enum C { X }\n"),
            ("user.rs", "fn f() -> crate::D { crate::a::D::X }\n"),
        ]);
        assert_eq!(found, "a/b->a/b/c:2 user->a/b/c:1");
    }

    #[test]
    fn a_module_declaration_and_the_import_of_a_module_are_no_arrows() {
        let found = arrows_of(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "pub fn f() {}\n"),
            ("b.rs", "use crate::a;\nuse super::a as other;\nfn g() {\n    a::f();\n    other::f();\n}\n"),
        ]);
        assert_eq!(found, "b->a:4");
    }

    #[test]
    fn test_code_is_left_out() {
        let found = arrows_of(&[
            ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod help;\n"),
            ("a.rs", "pub fn f() {}\n#[cfg(test)]\nmod tests { use crate::b::g; fn t() { crate::b::g() } }\n"),
            ("b.rs", "pub fn g() { crate::a::f() }\n#[cfg(test)]\nuse crate::help::h;\n"),
            ("help.rs", "use crate::a::f;\npub fn h() { crate::b::g() }\n"),
        ]);
        assert_eq!(found, "b->a:1");
    }

    #[test]
    fn sees_paths_in_types_patterns_bounds_macros_and_attributes() {
        let found = arrows_of(&[
            ("lib.rs", "mod bound;\nmod hex;\nmod mac;\nmod pattern;\nmod text;\nmod ty;\nmod user;\n"),
            ("bound.rs", "pub trait Bound {}\n"),
            ("hex.rs", "pub fn serialize() {}\n"),
            ("mac.rs", "macro_rules! say { () => {} }\npub(crate) use say;\n"),
            ("pattern.rs", "pub const P: u8 = 1;\n"),
            ("text.rs", "pub fn quote() {}\n"),
            ("ty.rs", "pub struct T;\n"),
            (
                "user.rs",
                "use crate::hex;\nstruct S<B: crate::bound::Bound> {\n    #[serde(with = \"hex\")]\n    a: [crate::ty::T; 1],\n    b: B,\n}\nfn f(x: u8) {\n    match x { super::pattern::P => {}, _ => {} }\n    println!(\"{}\", crate::text::quote());\n    crate::mac::say!();\n}\n",
            ),
        ]);
        assert_eq!(found, "user->bound:2 user->hex:3 user->mac:10 user->pattern:8 user->text:9 user->ty:4");
    }

    #[test]
    fn a_glob_of_the_parent_is_an_arrow_to_what_the_parent_defines() {
        let found = arrows_of(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "mod child;\npub struct A;\npub use crate::b::B;\n"),
            ("a/child.rs", "use super::*;\nfn f(_: A, _: B) {}\n"),
            ("b.rs", "pub struct B;\n"),
        ]);
        assert_eq!(found, "a->b:3 a/child->a:1 a/child->b:2");
    }

    #[test]
    fn a_reexport_of_another_package_comes_from_the_file_with_the_reexport() {
        let found = arrows_of(&[
            ("lib.rs", "mod outside;\nmod user;\n"),
            ("outside.rs", "pub use std::io::Error;\n"),
            ("user.rs", "use crate::outside::Error;\n"),
        ]);
        assert_eq!(found, "user->outside:1");
    }

    #[test]
    fn a_program_depends_on_the_files_of_its_own_library() {
        let found = arrows_of(&[
            ("lib.rs", "mod a;\npub use a::f;\n"),
            ("a.rs", "pub fn f() {}\n"),
            ("main.rs", "fn main() {\n    p::f();\n}\n"),
        ]);
        assert_eq!(found, "lib->a:2 main->a:2");
    }
}
