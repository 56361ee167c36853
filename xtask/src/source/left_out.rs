//! What a build leaves out: items, fields, arms and statements under `#[cfg(…)]`, and `#[test]` functions.

use proc_macro2::LineColumn;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, Token};

/// The feature of our packages that adds what no enclave runs.
pub const OUTSIDE: &str = "outside";

/// Which build is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Without tests. Features count as undecided, so their code is in.
    Workspace,
    /// Without tests and without the feature [`OUTSIDE`]: what an image is made of.
    Image,
}

/// The parts of one file that a build leaves out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    build: Build,
    /// First and last position of each part, in the order of the file.
    parts: Vec<(LineColumn, LineColumn)>,
}

impl LeftOut {
    pub fn of(file: &syn::File, build: Build) -> Self {
        let mut found = Self { build, parts: Vec::new() };
        if is_left_out(&file.attrs, build) {
            found.parts.push((LineColumn { line: 0, column: 0 }, LineColumn { line: usize::MAX, column: 0 }));
        } else {
            found.visit_file(file);
        }
        found
    }

    pub fn contains(&self, at: LineColumn) -> bool {
        self.parts.iter().any(|(first, last)| *first <= at && at < *last)
    }
}

/// Whether these attributes leave their item out of the build.
///
/// Other `cfg` predicates than those that the build decides count as undecided. So `any(test, unix)` is not left out.
pub fn is_left_out(attributes: &[Attribute], build: Build) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("test") {
            return true;
        }
        let Meta::List(list) = &attribute.meta else { return false };
        attribute.path().is_ident("cfg")
            && list.parse_args::<Meta>().is_ok_and(|predicate| value(&predicate, build) == Some(false))
    })
}

/// The value of a `cfg` predicate in the build. `None` if it depends on something else.
fn value(predicate: &Meta, build: Build) -> Option<bool> {
    if predicate.path().is_ident("test") {
        return Some(false);
    }
    if let Meta::NameValue(pair) = predicate {
        let is_outside = pair.path.is_ident("feature")
            && matches!(&pair.value, syn::Expr::Lit(literal)
                if matches!(&literal.lit, syn::Lit::Str(name) if name.value() == OUTSIDE));
        return (is_outside && build == Build::Image).then_some(false);
    }
    let Meta::List(list) = predicate else { return None };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let mut values = parts.iter().map(|part| value(part, build));
    if list.path.is_ident("not") {
        return values.next()?.map(|value| !value);
    }
    // One such value decides; otherwise every value must be known.
    let deciding = if list.path.is_ident("any") {
        true
    } else if list.path.is_ident("all") {
        false
    } else {
        return None;
    };
    let values: Vec<_> = values.collect();
    if values.contains(&Some(deciding)) {
        return Some(deciding);
    }
    values.iter().all(Option::is_some).then_some(!deciding)
}

/// Implements [`Visit`] for every node that can stand under an attribute of its own.
macro_rules! visit_attributed {
    ($($method:ident $node:ident),* $(,)?) => {
        impl<'a> Visit<'a> for LeftOut {
            $(fn $method(&mut self, node: &'a syn::$node) {
                if is_left_out(&node.attrs, self.build) {
                    let span = node.span();
                    self.parts.push((span.start(), span.end()));
                } else {
                    visit::$method(self, node);
                }
            })*
        }
    };
}

visit_attributed! {
    visit_item_const ItemConst, visit_item_enum ItemEnum, visit_item_extern_crate ItemExternCrate,
    visit_item_fn ItemFn, visit_item_foreign_mod ItemForeignMod, visit_item_impl ItemImpl,
    visit_item_macro ItemMacro, visit_item_mod ItemMod, visit_item_static ItemStatic,
    visit_item_struct ItemStruct, visit_item_trait ItemTrait, visit_item_type ItemType,
    visit_item_union ItemUnion, visit_item_use ItemUse,
    visit_impl_item_const ImplItemConst, visit_impl_item_fn ImplItemFn, visit_impl_item_macro ImplItemMacro,
    visit_impl_item_type ImplItemType,
    visit_trait_item_const TraitItemConst, visit_trait_item_fn TraitItemFn, visit_trait_item_macro TraitItemMacro,
    visit_trait_item_type TraitItemType,
    visit_foreign_item_fn ForeignItemFn, visit_foreign_item_static ForeignItemStatic,
    visit_foreign_item_type ForeignItemType,
    visit_field Field, visit_variant Variant, visit_arm Arm, visit_field_value FieldValue, visit_field_pat FieldPat,
    visit_local Local, visit_stmt_macro StmtMacro, visit_expr_assign ExprAssign, visit_expr_block ExprBlock,
    visit_expr_call ExprCall, visit_expr_for_loop ExprForLoop, visit_expr_if ExprIf, visit_expr_lit ExprLit,
    visit_expr_macro ExprMacro, visit_expr_match ExprMatch, visit_expr_method_call ExprMethodCall,
    visit_expr_path ExprPath, visit_expr_return ExprReturn, visit_expr_struct ExprStruct,
    visit_expr_unsafe ExprUnsafe, visit_expr_while ExprWhile,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_left_out(text: &str, build: Build) -> Vec<usize> {
        let left_out = LeftOut::of(&syn::parse_file(text).unwrap(), build);
        let lines = 1..=text.lines().count();
        lines.filter(|line| left_out.contains(LineColumn { line: *line, column: 4 })).collect()
    }

    #[test]
    fn finds_items_fields_and_statements_under_cfg_test() {
        let text = "struct A {
    a: u8,
    #[cfg(test)]
    seen: u8,
}
#[cfg(test)]
mod tests {
    fn f() {}
}
fn f() {
    g();
    #[cfg(test)]
    g();
}
#[test]
fn shows_something() {}
";
        assert_eq!(lines_left_out(text, Build::Workspace), [3, 4, 6, 7, 8, 12, 13, 15, 16]);
    }

    #[test]
    fn only_a_predicate_that_requires_test_counts() {
        let is_test = |text: &str| {
            let file = syn::parse_file(&format!("{text}\nfn f() {{}}")).unwrap();
            match &file.items[0] {
                syn::Item::Fn(item) => is_left_out(&item.attrs, Build::Workspace),
                _ => panic!("not a function"),
            }
        };
        assert!(is_test("#[cfg(all(test, feature = \"x\"))]"));
        assert!(is_test("#[cfg(not(not(test)))]"));
        assert!(is_test("#[cfg(any(test))]"));
        assert!(!is_test("#[cfg(any(test, feature = \"x\"))]"));
        assert!(!is_test("#[cfg(not(test))]"));
        assert!(!is_test("#[cfg(unix)]"));
        assert!(!is_test("#[cfg_attr(test, allow(dead_code))]"));
    }

    #[test]
    fn an_inner_attribute_makes_the_whole_file_test_only() {
        assert_eq!(lines_left_out("#![cfg(test)]\nfn f() {}\n", Build::Workspace), [1, 2]);
    }

    #[test]
    fn only_the_image_leaves_out_what_is_outside() {
        let text = "#[cfg(feature = \"outside\")]
fn f() {}
#[cfg(not(feature = \"outside\"))]
fn g() {}
#[cfg(feature = \"other\")]
fn h() {}
";
        assert_eq!(lines_left_out(text, Build::Workspace), [0; 0]);
        assert_eq!(lines_left_out(text, Build::Image), [1, 2]);
    }
}
