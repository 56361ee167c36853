//! No released package depends on this one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn only_capelet_local_depends_on_this_package() {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--workspace", "--invert", "capelet-dev", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}", "--manifest-path", env!("CARGO_MANIFEST_PATH")])
        .output()
        .unwrap();
    let tree = String::from_utf8(cargo.stdout).unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    assert!(tree.contains("capelet-dev"), "{tree}");
    // A line is `NAME vVERSION (PATH)`. This package itself, tests, and the writer of the pages may depend on it.
    let others = ["/tests/", "/dev/services", "/host/manual"];
    let released = |line: &&str| !others.iter().any(|other| line.contains(other));
    let mut names: Vec<_> =
        tree.lines().filter(released).filter_map(|line| line.split_ascii_whitespace().next()).collect();
    names.dedup();
    assert_eq!(names, ["capelet-local"]);
}
