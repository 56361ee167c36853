//! Bad input gives a sentence, a stable code and status 1. Nothing is sent, and no file is written partially.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::{Person, binary, refusal};
use common::{ECHO, Place};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

#[test]
fn sends_nothing_without_matching_pins() {
    let place = Place::new(&[]);
    let folder = place.function("echo", ECHO);
    let path = folder.to_str().unwrap();
    let url = place.local.url.as_str();

    let stranger = Person::new(&place.folder.path().join("stranger"));
    for command in [&["deploy", path][..], &["run", "echo", "x"], &["key", "create"], &["list"], &["attest"]] {
        let code = stranger.code(&[command, &["-u", url]].concat());
        assert!(code == "no-pins" || code == "unknown-function", "{command:?}: {code}");
    }
    let zeros = format!("0:{}", "0".repeat(96));
    for pin in ["", "0:", "0:ab", zeros.as_str(), "1:00", "x:00"] {
        let code = stranger.code(&["pin", url, "-p", pin]);
        assert!(["no-pins", "debug-mode", "bad-pin"].contains(&code.as_str()), "{pin:?}: {code}");
    }
    assert!(place.local.stored().is_empty(), "{:?}", place.local.stored());

    // A development enclave is not under Amazon's root.
    stranger.ok(&["pin", url, "-p", &format!("0:{}", place.local.pcr0)]);
    assert_eq!(stranger.code(&["attest", "-u", url]), "untrusted-root");
    place.local.stop();
}

#[test]
fn rejects_another_image_at_a_pinned_address() {
    let place = Place::new(&[]);
    let home = place.local.home.clone();
    place.deploy("echo", ECHO);
    let core = place.other_core();
    place.local.stop();
    let other = capelet_e2e::Local::start(&home, &["--core", &core]);
    for command in [&["attest"][..], &["run", "echo", "x"], &["list"], &["key", "create"]] {
        assert_eq!(place.owner.code(command), "pcr-mismatch", "{command:?}");
    }
    other.stop();
}

#[test]
fn reports_functions_that_are_missing_or_invalid() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    let owner = &place.owner;
    assert_eq!(owner.code(&["run", "nothing-of-that-name", "x"]), "unknown-function");
    let absent = "00000000000000000000000000000001";
    assert_eq!(owner.code(&["run", absent, "x", "--function-checksum", &checksum]), "not-found");
    let wrong = "11".repeat(32);
    assert_eq!(owner.code(&["run", &id, "x", "--function-checksum", &wrong]), "disagrees");

    let folder = place.folder.path().join("empty");
    fs::create_dir(&folder).unwrap();
    let path = folder.to_str().unwrap();
    let codes: Vec<String> = [
        None,
        Some(json!({ "entry": "missing.wasm" }).to_string()),
        Some("{".to_string()),
        Some(json!({ "entry": "../x.wasm" }).to_string()),
    ]
    .into_iter()
    .map(|manifest| {
        if let Some(manifest) = manifest {
            fs::write(folder.join("capelet.json"), manifest).unwrap();
        }
        owner.code(&["deploy", path])
    })
    .collect();
    assert!(codes.iter().all(|code| !code.is_empty()), "{codes:?}");
    assert_eq!(place.local.stored().len(), 1);
    place.local.stop();
}

#[test]
fn reports_an_unreachable_enclave() {
    let place = Place::new(&[]);
    let owner = Person { home: place.owner.home.clone() };
    place.deploy("echo", ECHO);
    place.local.stop();
    for command in [&["attest"][..], &["run", "echo", "x"], &["list"]] {
        assert_eq!(owner.code(command), "unreachable", "{command:?}");
    }
}

#[test]
fn rejects_damaged_files_of_the_client_and_keeps_them() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let home = &place.owner.home;
    let files: Vec<_> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
    let identity = files.iter().find(|path| path.to_string_lossy().contains("identity")).unwrap();
    let trust = files.iter().find(|path| path.to_string_lossy().contains("trust")).unwrap();
    for file in [identity, trust] {
        let whole = fs::read(file).unwrap();
        let truncated = &whole[..whole.len() / 2];
        let mut flipped = whole.clone();
        flipped[0] ^= 0x20;
        for damaged in [truncated, &flipped, b""] {
            fs::write(file, damaged).unwrap();
            let code = place.owner.code(&["run", "echo", "x"]);
            assert!(code.contains("damaged") || code == "malformed" || code == "file", "{file:?}: {code}");
            assert_eq!(fs::read(file).unwrap(), damaged, "a damaged file was overwritten");
        }
        fs::write(file, whole).unwrap();
    }
    fs::set_permissions(identity, fs::Permissions::from_mode(0o644)).unwrap();
    let code = place.owner.code(&["run", "echo", "x"]);
    assert!(code.contains("permission"), "{code}");
    fs::set_permissions(identity, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    place.local.stop();
}

#[test]
fn rejects_inputs_over_the_limit() {
    let place = Place::new(&["--limit-input", "1000"]);
    place.deploy("echo", ECHO);
    assert_eq!(place.owner.run_with(&["run", "echo", "-"], &[1; 1000]).stdout, [1; 1000]);
    let over = place.owner.run_with(&["run", "echo", "-", "-o", "json"], &[1; 1001]);
    assert_eq!(refusal(&over), "input-limit");
    place.local.stop();
}

/// An enclave would enforce its compiled-in limits, whatever the configuration grants.
#[test]
fn rejects_a_configuration_above_the_compiled_in_limits() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("e");
    let megabyte = 1 << 20;
    for (option, most) in [
        ("--limit-run", 60_000),
        ("--limit-memory", 256 * megabyte),
        ("--limit-input", 256 * megabyte),
        ("--limit-output", 64 * megabyte),
    ] {
        for value in [most + 1, u64::MAX, 0] {
            let mut command = Command::new(binary("capelet-local"));
            command.arg("--home").arg(&home).args([option, &value.to_string(), "--output", "json"]);
            let output = command.output().unwrap();
            assert_eq!(refusal(&output), "run-limit", "{option} {value}");
            assert!(String::from_utf8_lossy(&output.stderr).contains(&most.to_string()));
        }
    }
}
