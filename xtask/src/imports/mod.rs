//! `xtask imports`: the files of a package import each other without cycles, and the drawing of the packages is true.

mod arrows;
mod cycles;
mod drawing;
mod exceptions;
mod import;
mod names;
mod packages;
mod token_paths;

use std::collections::BTreeMap;

use crate::error::Error;
use crate::imports::cycles::Knot;
use crate::imports::exceptions::{Exception, LIST};
use crate::source::files::PackageFiles;
use crate::source::left_out::Build;
use crate::source::modules::ModuleTree;
use crate::workspace::{PackageName, Workspace};

/// Makes both checks and returns a line with what was counted.
///
/// # Errors
/// `Faults`, if a check finds some; every other error, if a check could not be made.
pub fn check(workspace: &Workspace) -> Result<String, Error> {
    let exceptions = exceptions::read(&workspace.root)?;
    let found = Imports::of(workspace)?;
    let mut faults = found.faults.clone();
    faults.extend(cycle_faults(&found.knots, &exceptions));
    let dependencies = packages::dependencies(workspace);
    match drawing::read(&workspace.root) {
        Ok(drawing) => faults.extend(packages::faults(&dependencies, &drawing)),
        Err(Error::Faults(missing)) => faults.extend(missing),
        Err(error) => faults.push(error.to_string()),
    }
    if !faults.is_empty() {
        return Err(Error::Faults(faults));
    }
    Ok(format!(
        "imports: {} packages, {} files, {} arrows between files, no cycle outside the {} excepted folders; {} arrows \
         between packages, as drawn",
        workspace.packages.len(),
        found.files,
        found.arrows,
        exceptions.len(),
        dependencies.values().map(Vec::len).sum::<usize>(),
    ))
}

/// What the sources of a workspace say.
#[derive(Default)]
struct Imports {
    files: usize,
    arrows: usize,
    knots: BTreeMap<PackageName, Vec<Knot>>,
    faults: Vec<String>,
}

impl Imports {
    fn of(workspace: &Workspace) -> Result<Self, Error> {
        let mut found = Self::default();
        for package in &workspace.packages {
            let files = PackageFiles::read(&workspace.root, package, Build::Workspace)?;
            for path in &files.unreached {
                found.faults.push(format!("{path}: no `mod` declaration leads to this file: declare or delete it"));
            }
            let arrows = arrows::arrows(&ModuleTree::of(package, &files));
            found.files += files.files.len();
            found.arrows += arrows.values().map(BTreeMap::len).sum::<usize>();
            found.knots.insert(package.name.clone(), cycles::knots(&arrows));
        }
        Ok(found)
    }
}

/// The knots that no exception covers, and the exceptions that no knot needs.
fn cycle_faults(knots: &BTreeMap<PackageName, Vec<Knot>>, exceptions: &[Exception]) -> Vec<String> {
    let mut faults = Vec::new();
    let all = knots.iter().flat_map(|(package, knots)| knots.iter().map(move |knot| (package, knot)));
    for (package, knot) in all.clone() {
        if !exceptions.iter().any(|exception| exception.covers(&knot.files)) {
            faults.push(shown(package, knot));
        }
    }
    for Exception { folder, line, reason } in
        exceptions.iter().filter(|exception| !all.clone().any(|(_, knot)| exception.covers(&knot.files)))
    {
        faults.push(format!("{LIST}:{line}: remove {folder} ({reason}): it has no import cycle"));
    }
    faults
}

/// `package: a.rs:3 -> b.rs:5 -> a.rs`; the number is the line that needs the next file.
fn shown(package: &PackageName, knot: &Knot) -> String {
    let mut text = format!("{package}: ");
    for (file, line) in &knot.shortest {
        text += &format!("{file}:{line} -> ");
    }
    text += knot.shortest.first().map_or("", |(file, _)| file.as_str());
    let others: Vec<_> =
        knot.files.iter().filter(|file| !knot.shortest.iter().any(|(shown, _)| shown == *file)).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|file| file.as_str()).collect();
        text += &format!(" (longer cycles also contain {})", names.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    const ARCHITECTURE: (&str, &str) =
        ("docs/architecture.md", "<!-- packages -->\n```mermaid\ngraph TD\n    p\n```\n<!-- /packages -->\n");

    fn check_sample(files: &[(&str, &str)], exceptions: &str) -> Result<String, String> {
        let list = [(LIST, exceptions), ARCHITECTURE];
        let sample = Sample::new(&[files, list.as_slice()].concat());
        check(&sample.workspace(&["p"])).map_err(|error| error.to_string())
    }

    const CYCLE: [(&str, &str); 4] = [
        ("p/src/lib.rs", "mod kms;\n"),
        ("p/src/kms/mod.rs", "mod a;\nmod b;\npub struct Key;\n"),
        ("p/src/kms/a.rs", "use super::b::B;\npub struct A(B);\n"),
        ("p/src/kms/b.rs", "\n\nuse crate::kms::a::A;\npub struct B(Box<A>);\n"),
    ];

    #[test]
    fn reports_a_cycle_with_its_lines() {
        assert_eq!(
            check_sample(&CYCLE, "").unwrap_err(),
            "p: p/src/kms/a.rs:1 -> p/src/kms/b.rs:3 -> p/src/kms/a.rs\n1 fault"
        );
    }

    #[test]
    fn reports_a_cycle_through_a_reexport() {
        let files = [
            ("p/src/lib.rs", "mod a;\nmod b;\npub use b::B;\n"),
            ("p/src/a.rs", "use crate::B;\npub struct A(B);\n"),
            ("p/src/b.rs", "use crate::a::A;\npub struct B(Box<A>);\n"),
        ];
        assert_eq!(check_sample(&files, "").unwrap_err(), "p: p/src/a.rs:1 -> p/src/b.rs:1 -> p/src/a.rs\n1 fault");
    }

    #[test]
    fn names_the_rest_of_a_larger_knot() {
        let files = [
            ("p/src/lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("p/src/a.rs", "use crate::b::B;\npub struct A(B);\n"),
            ("p/src/b.rs", "use crate::{a::A, c::C};\npub struct B(Box<A>, C);\n"),
            ("p/src/c.rs", "use crate::a::A;\npub struct C(Box<A>);\n"),
        ];
        assert_eq!(
            check_sample(&files, "").unwrap_err(),
            "p: p/src/a.rs:1 -> p/src/b.rs:1 -> p/src/a.rs (longer cycles also contain p/src/c.rs)\n1 fault"
        );
    }

    #[test]
    fn accepts_a_cycle_inside_an_excepted_folder() {
        assert_eq!(
            check_sample(&CYCLE, "p/src/kms the messages of one protocol\n").unwrap(),
            "imports: 1 packages, 4 files, 2 arrows between files, no cycle outside the 1 excepted folders; 0 arrows \
             between packages, as drawn"
        );
    }

    #[test]
    fn rejects_an_exception_that_no_cycle_needs() {
        let files = [("p/src/lib.rs", "mod a;\n"), ("p/src/a.rs", "")];
        assert_eq!(
            check_sample(&files, "\np/src/a one concept\n").unwrap_err(),
            "xtask/import-cycles.txt:2: remove p/src/a (one concept): it has no import cycle\n1 fault"
        );
    }

    #[test]
    fn rejects_a_file_that_no_module_declares() {
        let files = [("p/src/lib.rs", ""), ("p/src/a.rs", "")];
        assert_eq!(
            check_sample(&files, "").unwrap_err(),
            "p/src/a.rs: no `mod` declaration leads to this file: declare or delete it\n1 fault"
        );
    }
}
