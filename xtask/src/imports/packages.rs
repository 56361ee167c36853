//! Compares the dependencies between the packages with their drawing.

use std::collections::BTreeMap;

use crate::imports::drawing::{Drawing, PAGE};
use crate::repo_path::RepoPath;
use crate::workspace::{PackageName, Workspace};

/// The packages below this folder are not drawn.
const TESTS: &str = "tests";

/// Normal dependencies between packages of the workspace that do not belong to the tests.
pub fn dependencies(workspace: &Workspace) -> BTreeMap<PackageName, Vec<PackageName>> {
    let tests = RepoPath::new(TESTS);
    let shown = workspace.packages.iter().filter(|package| !package.folder.is_below(&tests));
    let names: Vec<&PackageName> = shown.clone().map(|package| &package.name).collect();
    let needed = |package: &crate::workspace::Package| {
        package.dependencies.iter().filter(|needed| names.contains(needed)).cloned().collect()
    };
    shown.map(|package| (package.name.clone(), needed(package))).collect()
}

/// The differences between the drawing and what cargo says.
pub fn faults(dependencies: &BTreeMap<PackageName, Vec<PackageName>>, drawing: &Drawing) -> Vec<String> {
    let mut faults = Vec::new();
    for (node, line) in &drawing.nodes {
        if !dependencies.contains_key(node) {
            faults.push(format!("{PAGE}:{line}: `{node}` is not a package outside {TESTS}/: remove or rename it"));
        }
    }
    for (from, needed) in dependencies {
        for to in needed {
            if !drawing.arrows.contains_key(&(from.clone(), to.clone())) {
                faults.push(format!("{PAGE}: add the arrow `{from} --> {to}`, because {from} depends on {to}"));
            }
        }
    }
    for ((from, to), line) in &drawing.arrows {
        let both = dependencies.get(from).filter(|_| dependencies.contains_key(to));
        if both.is_some_and(|needed| !needed.contains(to)) {
            faults.push(format!("{PAGE}:{line}: remove the arrow `{from} --> {to}`: {from} does not depend on {to}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    #[test]
    fn reports_missing_and_superfluous_arrows_and_unknown_packages() {
        let sample = Sample::new(&[]);
        let mut workspace = sample.workspace(&["a", "b", "tests/c"]);
        workspace.packages[0].dependencies = ["b", "c"].map(PackageName::new).into();
        workspace.packages[2].dependencies = ["a"].map(PackageName::new).into();
        let name = PackageName::new;
        let drawing = Drawing {
            nodes: [(name("a"), 5), (name("b"), 5), (name("c"), 6)].into(),
            arrows: [((name("b"), name("a")), 5), ((name("a"), name("c")), 6)].into(),
        };
        assert_eq!(
            faults(&dependencies(&workspace), &drawing),
            [
                "docs/architecture.md:6: `c` is not a package outside tests/: remove or rename it",
                "docs/architecture.md: add the arrow `a --> b`, because a depends on b",
                "docs/architecture.md:5: remove the arrow `b --> a`: b does not depend on a",
            ]
        );
    }
}
