//! `make install` and `make uninstall`, without the build.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const ON_PATH: [&str; 4] = ["capelet", "capelet-local", "capelet-parent", "eif-build"];
const STARTED_BY_OTHERS: [&str; 3] = ["capelet-core-dev", "capelet-dev-kms", "capelet-worker"];

/// Runs the script with programs that are already built.
fn install(root: &Path, word: &[&str]) -> Output {
    let built = root.join("target/release");
    if !built.exists() {
        fs::create_dir_all(&built).unwrap();
        for name in ON_PATH.iter().chain(&STARTED_BY_OTHERS) {
            fs::write(built.join(name), name).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_capelet-manual"), built.join("capelet-manual")).unwrap();
    }
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../install.sh"));
    script.args(word).stdin(Stdio::null()).env("CARGO", "true").env("CARGO_TARGET_DIR", root.join("target"));
    script.env("PREFIX", "/opt/x").env("DESTDIR", root.join("package")).output().unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.insert(name);
        }
    }
    found
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn installs_each_file_and_removes_exactly_these() {
    let root = tempfile::tempdir().unwrap();
    let prefix = root.path().join("package/opt/x");
    fs::create_dir_all(prefix.join("bin")).unwrap();
    fs::create_dir_all(prefix.join("share/man/man1")).unwrap();
    let foreign = ["bin/capelet-other", "share/man/man1/capelet-other.1"];
    for name in foreign {
        fs::write(prefix.join(name), b"foreign").unwrap();
    }
    ok(&install(root.path(), &[]));

    let mut expected: BTreeSet<_> = foreign.iter().map(|name| (*name).to_owned()).collect();
    expected.extend(ON_PATH.iter().map(|name| format!("bin/{name}")));
    expected.extend(STARTED_BY_OTHERS.iter().map(|name| format!("libexec/capelet/{name}")));
    let generated = capelet_manual::share::files(&capelet_manual::programs::all());
    expected.extend(generated.iter().map(|(name, _)| name.clone()));
    expected.insert("share/capelet/installed".into());
    assert_eq!(files(&root.path().join("package")), expected.iter().map(|name| format!("opt/x/{name}")).collect());
    for name in &expected {
        let mode = fs::metadata(prefix.join(name)).unwrap().permissions().mode() & 0o777;
        let is_program = name.starts_with("bin/") || name.starts_with("libexec/");
        assert!(foreign.contains(&name.as_str()) || mode == if is_program { 0o755 } else { 0o644 }, "{name}: {mode:o}");
    }

    ok(&install(root.path(), &["uninstall"]));
    assert_eq!(files(&prefix), foreign.iter().map(|name| (*name).to_owned()).collect());
    assert!(!prefix.join("libexec/capelet").exists() && !prefix.join("share/capelet").exists());
    let again = install(root.path(), &["uninstall"]);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("nothing is installed there"), "{again:?}");
}

#[test]
fn a_file_that_the_new_version_does_not_have_goes() {
    let root = tempfile::tempdir().unwrap();
    let prefix = root.path().join("package/opt/x");
    ok(&install(root.path(), &[]));
    let list = prefix.join("share/capelet/installed");
    let old = fs::read_to_string(&list).unwrap() + "share/man/man1/capelet-old.1\n";
    fs::write(&list, old).unwrap();
    fs::write(prefix.join("share/man/man1/capelet-old.1"), b"old").unwrap();
    ok(&install(root.path(), &[]));
    assert!(!prefix.join("share/man/man1/capelet-old.1").exists());
    assert!(prefix.join("bin/capelet").exists());
}

#[test]
fn a_prefix_that_is_not_absolute_is_an_error() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../install.sh");
    for (prefix, destination) in [("opt", ""), ("/opt", "package")] {
        let mut command = Command::new(&script);
        command.env("PREFIX", prefix).env("DESTDIR", destination).env("CARGO", "false").stdin(Stdio::null());
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("use an absolute path"), "{error}");
    }
}
