//! Encryption without a connection: what is written, and what an old statement says.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use capelet::home::Home;
use capelet::home::seen::Seen;
use capelet::root_id::RootId;
use common::vault::with_vault_key;
use common::{Person, failed};
use enclave_core::Kid;
use enclave_core::attestation::Root;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Nothing listens there.
const URL: &str = "unix:/nobody/is/asked";

/// Each file below a folder, with its number and the time of its last change.
fn files(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            found.extend(files(&path));
        }
        found.insert(path, (metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
    }
    found
}

/// In a folder that is read-only, a command that writes would fail.
#[test]
fn encrypts_without_writing_what_did_not_change() {
    let person = Person::new();
    with_vault_key(&person.home, URL);
    // The first use remembers the epoch.
    assert!(person.say(&["encrypt", "x"]).status.success());
    fs::remove_file(person.file("lock")).unwrap();
    let before = files(&person.home);
    for format in ["plain", "json"] {
        assert!(person.say(&["encrypt", "x", "-o", format]).status.success());
    }
    assert_eq!(files(&person.home), before);
}

#[test]
fn an_own_statement_that_is_too_old_asks_for_a_renewal() {
    let person = Person::new();
    with_vault_key(&person.home, URL);
    let output = person.say(&["encrypt", "x", "--max-age", "0"]);
    failed(&output, "expired");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("`capelet key renew`") && !text.contains("clock"), "{text}");
    // A statement of another owner is fetched again.
    let other = Person::new();
    with_vault_key(&other.home, URL);
    let trust = person.file("trust.json");
    let mode = fs::metadata(&trust).unwrap().permissions();
    fs::copy(other.file("trust.json"), &trust).unwrap();
    fs::set_permissions(&trust, mode).unwrap();
    for entry in fs::read_dir(other.file("statements")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, person.file("statements").join(path.file_name().unwrap())).unwrap();
    }
    let (owner, checksum) = (other.owner(), "12".repeat(32));
    let encrypt = ["encrypt", "--to", &owner, "--for", &checksum, "--accept", "policy-unread,facts-unread", "x"];
    assert!(person.say(&encrypt).status.success());
    failed(&person.say(&[&encrypt[..], &["--max-age", "0"]].concat()), "unreachable");
}

#[test]
fn a_kept_statement_that_is_older_than_a_seen_one_is_fetched_again() {
    let person = Person::new();
    let vault = with_vault_key(&person.home, URL);
    let root = RootId::of(&Root::development(vault.root.der().to_vec()).unwrap());
    let owner = vault.owner.owner();
    let home = Home::at(person.home.clone()).unwrap();
    home.update(|seen: &mut Seen| seen.observe(owner, root, 9, Kid::new([9; 32]))).unwrap();
    let output = person.say(&["encrypt", "x"]);
    failed(&output, "unreachable");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Fetching the newest one"));
}

/// A mistake in the arguments leaves nothing behind, and above all no identity that nobody asked for.
#[test]
fn invalid_arguments_are_reported_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let person = Person::new();
    for arguments in [
        &["encrypt", "--for", "abc", "x"][..],
        &["encrypt", "--accept", "all", "x"],
        &["encrypt", "--max-age", "18446744073709551615", "x"],
        &["encrypt", "--to", "nobody", "--any-function-of-owner", "x"],
        &["encrypt", "-f", "none", "-u", URL],
        &["encrypt", "x", "-f", "none"],
        &["run", "f", "x", "--function-checksum", "abc"],
        &["run", "f", "x", "--key-policy-checksum", "abc"],
        &["run", "f", "x", "--plain", "--ciphertext"],
        &["run", "f", "-f", "none"],
        &["run", "f", "x", "-f", "none"],
        &["deploy", "none"],
        &["deploy", "none", "-n", "1"],
        &["key", "create", "--accept", "all"],
        &["key", "renew", "--accept", "all"],
        &["contact", "add", "ann", "key"],
        &["contact", "fetch", "nobody"],
        &["identity", "export", "x", "-u", URL],
        &["identity", "import", "none", "--passphrase-file", "none"],
        &["receipt", "verify", "none"],
        &["pin", "capelet://a", "--add", "--replace", "-p", "x"],
        &["pin", "https://a", "-p", "x"],
        &["config", "url", "https://a"],
        &["delete", "f", "-u", "https://a"],
        &["list", "--limit", "x"],
        &["attest", "--timeout", "0"],
    ] {
        let output = person.command(arguments).env("CAPELET_HOME", &home).current_dir(folder.path()).output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        // Without pins and without an address, whatever comes after the arguments ends in one of these.
        assert!(!["[no-url]", "[no-pins]"].iter().any(|code| stderr.contains(code)), "{arguments:?}: {stderr}");
        let left: Vec<_> =
            files(folder.path()).into_keys().filter(|path| path.file_name() != Some("lock".as_ref())).collect();
        assert!(left.iter().all(|path| *path == home), "{arguments:?}: {left:?}");
    }
}
