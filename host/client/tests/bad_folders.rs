//! Folders and files that cannot become a bundle. `checksum` and `deploy` report each with its code and its path, before
//! they open a connection.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Person, failed};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const MIB: u64 = 1 << 20;

/// A folder that contains a valid function.
fn good() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("capelet.json"), r#"{"entry":"f.wasm"}"#).unwrap();
    fs::write(folder.path().join("f.wasm"), MODULE).unwrap();
    folder
}

/// Creates a sparse file of zeros.
fn zeros(path: PathBuf, length: u64) {
    File::options().create(true).append(true).open(path).unwrap().set_len(length).unwrap();
}

/// Asserts that the function is rejected with this code, and that the message contains `named`.
#[track_caller]
fn refused(person: &Person, function: &Path, code: &str, named: &str) {
    let function = function.to_str().unwrap();
    for command in [&["checksum", function][..], &["deploy", function, "-u", "unix:/nobody/is/asked"]] {
        let output = person.say(command);
        failed(&output, code);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(named), "{command:?}: {stderr}");
        let json = person.say(&[command, &["-o", "json"]].concat());
        assert_eq!(json.status.code(), Some(1));
        let printed = capelet_json_schema::object(&json.stdout);
        assert_eq!(printed["error"]["code"], code, "{command:?}");
    }
}

/// A change that makes a valid folder invalid, the code, and a part of the message.
type Case = (fn(&Path), &'static str, &'static str);

#[test]
fn rejects_symbolic_links_and_special_files() {
    let cases: [Case; 5] = [
        (|folder| symlink("f.wasm", folder.join("link")).unwrap(), "symlink", "link"),
        (|folder| symlink("/etc", folder.join("link")).unwrap(), "symlink", "link"),
        (|folder| symlink("nowhere", folder.join("link")).unwrap(), "symlink", "link"),
        (|folder| drop(UnixListener::bind(folder.join("socket")).unwrap()), "special-file", "socket"),
        (
            |folder| {
                fs::rename(folder.join("f.wasm"), folder.join("g.wasm")).unwrap();
                symlink("g.wasm", folder.join("f.wasm")).unwrap();
            },
            "symlink",
            "f.wasm",
        ),
    ];
    let person = Person::new();
    for (spoil, code, named) in cases {
        let folder = good();
        spoil(folder.path());
        refused(&person, folder.path(), code, named);
    }
}

#[test]
fn rejects_invalid_and_equal_names() {
    let person = Person::new();
    for entry in ["../f.wasm", "d/../f.wasm", "./f.wasm", "/f.wasm", "d//f.wasm", ""] {
        let folder = good();
        fs::write(folder.path().join("capelet.json"), format!(r#"{{"entry":"{entry}"}}"#)).unwrap();
        refused(&person, folder.path(), "bad-name", entry);
    }
    let folder = good();
    fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9")), b"").unwrap();
    refused(&person, folder.path(), "bad-name", "caf");

    let folder = good();
    let long = format!("{0}/{0}/{0}/{0}/{0}", "n".repeat(240));
    fs::create_dir_all(folder.path().join(long)).unwrap();
    refused(&person, folder.path(), "bad-name", "nnn");

    for (one, other) in [("README", "readme"), ("d/É", "d/é"), ("\u{e9}", "e\u{301}"), ("A/x", "a/y")] {
        let folder = good();
        for name in [one, other] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        refused(&person, folder.path(), "same-name", "same name");
    }
}

#[test]
fn rejects_more_than_the_limits_of_a_bundle() {
    let cases: [Case; 4] = [
        // One byte over the limit, in one file and in two.
        (|folder| zeros(folder.join("f.wasm"), 64 * MIB + 1), "too-large", "64 MiB"),
        (
            |folder| {
                zeros(folder.join("f.wasm"), 32 * MIB);
                zeros(folder.join("g"), 32 * MIB + 1);
            },
            "too-large",
            "64 MiB",
        ),
        (
            |folder| (0..4096).for_each(|n| fs::write(folder.join(n.to_string()), b"").unwrap()),
            "too-large",
            "4,096 files",
        ),
        (|folder| fs::create_dir_all(folder.join("d/".repeat(33))).unwrap(), "too-large", "32 folders"),
    ];
    let person = Person::new();
    for (spoil, code, named) in cases {
        let folder = good();
        spoil(folder.path());
        refused(&person, folder.path(), code, named);
    }
    // The module alone is within the limit. The bundle also contains its path and the manifest.
    let folder = good();
    let file = folder.path().join("f.wasm");
    for length in [64 * MIB - 10, 64 * MIB + 1] {
        zeros(file.clone(), length);
        failed(&person.say(&["deploy", file.to_str().unwrap(), "-u", "unix:/nobody/is/asked"]), "too-large");
    }
}
