//! Nothing that is released depends on this package: only what is for development by its name does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn only_the_embedded_default_depends_on_it() {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--workspace", "--invert", "capelet-dev", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}", "--manifest-path", env!("CARGO_MANIFEST_PATH")])
        .output()
        .unwrap();
    let tree = String::from_utf8(cargo.stdout).unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    assert!(tree.contains("capelet-dev"), "{tree}");
    // `NAME vVERSION (PATH)`; tests may, this package among them.
    let released = |line: &&str| !line.contains("/tests/");
    let mut names: Vec<_> =
        tree.lines().filter(released).filter_map(|line| line.split_ascii_whitespace().next()).collect();
    names.dedup();
    assert_eq!(names, ["capelet-local"]);
}
