//! What `doctor` finds with an enclave: a healthy set-up, wrong clocks, old statements, other images.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::Person;
use common::{ECHO, Place, at};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

/// What `doctor` printed, when the clock differs by `offset`. Its status is 1 if there is a problem.
fn examine(person: &Person, offset: &str, arguments: &[&str]) -> Value {
    let output = at(person, offset, &[&["doctor"], arguments].concat());
    let printed = capelet_json_schema::object(&output.stdout);
    let problem = printed["findings"].as_array().unwrap().iter().any(|finding| finding["level"] == "problem");
    assert_eq!(output.status.code(), Some(i32::from(problem)), "{printed}");
    assert_eq!(printed["error"]["code"] == "problems-found", problem, "{printed}");
    printed
}

/// The level and the text of the only finding of a check.
fn finding(printed: &Value, check: &str) -> (String, String) {
    let found = printed["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    let [found] = found.collect::<Vec<_>>()[..] else { panic!("{check}: {printed}") };
    let text = |name: &str| found[name].as_str().unwrap().to_owned();
    (text("level"), text("message"))
}

#[test]
fn a_healthy_set_up_has_no_problem() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create"]);
    let printed = examine(&place.owner, "+0s", &[]);
    assert_eq!(printed["development"], true);
    let levels = printed["findings"].as_array().unwrap().iter();
    let levels: Vec<_> = levels.map(|f| (f["check"].as_str().unwrap(), f["level"].as_str().unwrap())).collect();
    let expected = [
        ("versions", "ok"),
        ("folders", "ok"),
        ("settings", "ok"),
        ("address", "ok"),
        // The root is a development root.
        ("pins", "warning"),
        ("state", "ok"),
        ("identity", "ok"),
        ("catalogue", "ok"),
        ("backup", "warning"),
        ("statement", "ok"),
        ("connection", "ok"),
        ("clock", "ok"),
        ("attestation", "ok"),
        ("kms", "ok"),
    ];
    assert_eq!(levels, expected, "{printed}");
    assert!(finding(&printed, "kms").1.starts_with("arn:"));

    let (passphrase, export) = (place.path("passphrase"), place.path("export"));
    fs::write(&passphrase, "correct horse battery staple").unwrap();
    fs::set_permissions(&passphrase, Permissions::from_mode(0o600)).unwrap();
    place.owner.ok(&["identity", "export", &export, "--passphrase-file", &passphrase]);
    let backup = || finding(&examine(&place.owner, "+0s", &["--offline"]), "backup").0;
    assert_eq!(backup(), "ok");
    for command in [&["run", "echo", "x"][..], &["encrypt", "x"], &["list"]] {
        place.owner.ok(command);
    }
    assert_eq!(backup(), "ok");
    place.owner.ok(&["key", "create", "--next-epoch"]);
    assert_eq!(backup(), "warning");
    place.local.stop();
}

#[test]
fn explains_a_clock_that_is_wrong() {
    let place = Place::new(&[]);
    for (offset, level, text) in [
        ("+2m", "warning", "s ahead of the enclave's"),
        ("-2m", "warning", "s behind the enclave's"),
        ("+10m", "problem", "so that no enclave can be verified"),
        ("-10m", "problem", "so that no enclave can be verified"),
    ] {
        let printed = examine(&place.owner, offset, &[]);
        let (found, sentence) = finding(&printed, "clock");
        assert!(found == level && sentence.contains(text), "{offset}: {sentence}");
        assert_eq!(finding(&printed, "connection").0, "ok");
        let attestation = if level == "problem" { "skipped" } else { "ok" };
        assert_eq!(finding(&printed, "attestation").0, attestation);
    }
    place.local.stop();
}

#[test]
fn warns_before_senders_refuse_the_statement() {
    let place = Place::new(&[]);
    place.owner.ok(&["key", "create"]);
    for (offset, level, text) in [
        ("+19d", "ok", "renew it after"),
        ("+21d", "warning", "after 30 days"),
        ("+31d", "problem", "senders refuse it"),
    ] {
        let (found, sentence) = finding(&examine(&place.owner, offset, &["--offline"]), "statement");
        assert!(found == level && sentence.contains(text), "{offset}: {found} {sentence}");
    }
    place.local.stop();
}

#[test]
fn reports_an_enclave_of_another_image() {
    let place = Place::new(&[]);
    place.owner.ok(&["pin", &place.local.url, "-p", &format!("0:{}", "ab".repeat(48))]);
    let printed = examine(&place.owner, "+0s", &[]);
    let (level, text) = finding(&printed, "attestation");
    assert!(level == "problem" && text.ends_with("[pcr-mismatch]"), "{text}");
    assert_eq!(finding(&printed, "connection").0, "ok");
    place.local.stop();
    assert_eq!(finding(&examine(&place.owner, "+0s", &[]), "connection").0, "problem");
}
