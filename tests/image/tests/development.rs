//! The development image: the same kernel, PID 1 and worker; a core that trusts a development KMS. Functions are deployed,
//! documents encrypted for them, and the one run on the other, inside the booted image.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::{Person, function, refusal};
use capelet_image::{Enclave, Kms, Machine, development, measured, release};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Copies its input to its output.
const ECHO: &str = include_str!("../../hardware/echo.wat");
/// Never ends.
const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;
/// Asks for memory without end.
const GROW: &str = r#"(module (memory (export "memory") 1)
  (func (export "_start") (loop $l (drop (memory.grow (i32.const 16))) (br $l))))"#;

/// A folder with a function of this text.
fn folder(enclave: &Enclave, name: &str, text: &str) -> String {
    let folder = enclave.folder.path().join(format!("function-{name}"));
    function(&folder, &wat::parse_str(text).unwrap(), &json!({ "entry": "function.wasm" }));
    folder.to_str().unwrap().to_owned()
}

fn measurements() -> PathBuf {
    development().join("measurements.json")
}

#[test]
fn functions_are_deployed_and_run_on_what_somebody_encrypted() {
    let kms = Kms::start();
    let key = kms.key(&measured(&development())["PCR0"]);
    let mut enclave = kms.enclave(&development(), &key, &["--run", "5000", "--memory", "16777216"]);
    assert!(enclave.machine.console().contains("DEVELOPMENT"));
    let url = enclave.parent.url.clone();
    let at = ["-u", &url];
    let owner = enclave.pinned(&measurements());
    let sender = Person::new(&enclave.folder.path().join("sender"));
    enclave.pin(&sender, &measurements());

    let deploy = |name: &str, text: &str| {
        owner.json(&[&["deploy", &folder(&enclave, name, text), "-n", name][..], &at].concat())
    };
    let echo = deploy("echo", ECHO);
    assert_eq!(owner.ok(&[&["run", "echo", "hello"][..], &at].concat()), b"hello");
    assert_eq!(owner.run_with(&[&["run", "echo", "-"][..], &at].concat(), &[7; 300_000]).stdout, [7; 300_000]);

    owner.ok(&[&["key", "create"][..], &at].concat());
    sender.ok(&["contact", "add", "owner", &owner.owner()]);
    let path = |name: &str| enclave.folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("letter"), "the letter's text").unwrap();
    let checksum = echo["function_checksum"].as_str().unwrap();
    let encrypt =
        ["encrypt", "--to", "owner", "--for", checksum, "--accept", "operator-account", "-f", &path("letter")];
    sender.ok(&[&encrypt[..], &["--out", &path("sealed")], &at].concat());
    let receipt = path("receipt");
    let run = ["run", "echo", "-f", &path("sealed"), "--receipt", &receipt];
    assert_eq!(owner.ok(&[&run[..], &at].concat()), b"the letter's text");
    // What lies in the store is not what was sent.
    let store = enclave.folder.path().join("store");
    let stored =
        capelet_image::output(Command::new("grep").args(["-rlc", "letter", "--"]).arg(&store).arg(path("letter")));
    assert_eq!(stored.trim(), path("letter"));

    for (name, text, code) in [("spin", SPIN, "time-limit"), ("grow", GROW, "memory-limit")] {
        deploy(name, text);
        assert_eq!(refusal(&owner.run(&[&["run", name, "x", "-o", "json"][..], &at].concat())), code);
    }

    // Another boot of the same image opens what this one sealed, and its receipt still holds.
    let folder = enclave.folder.path().to_owned();
    enclave.machine.end();
    enclave.machine = Machine::boot(&folder, &development().join("capelet.eif"), &[]);
    enclave.machine.wait_until_serving();
    assert_eq!(owner.ok(&[&["run", "echo", "again"][..], &at].concat()), b"again");
    assert_eq!(owner.ok(&[&["run", "echo", "-f", &path("sealed")][..], &at].concat()), b"the letter's text");
    sender.ok(&["receipt", "verify", &receipt, "--input", &path("letter")]);
}

/// The key's policy names one PCR0: another image of the same source has no use of it.
#[test]
fn the_kms_gives_no_key_to_another_image() {
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let enclave = kms.enclave(&development(), &key, &[]);
    let owner = enclave.pinned(&measurements());
    let folder = folder(&enclave, "echo", ECHO);
    let code = owner.code(&["deploy", &folder, "-n", "echo", "-u", &enclave.parent.url]);
    assert_eq!(code, "kms-denied");
}

/// The release does not speak to a KMS that is not Amazon's, whoever answers in its place.
#[test]
fn the_release_takes_no_development_kms() {
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let enclave = kms.enclave(&release(), &key, &[]);
    let owner = enclave.pinned(&release().join("measurements.json"));
    let folder = folder(&enclave, "echo", ECHO);
    let deploy = ["deploy", &folder, "-n", "echo", "-u", &enclave.parent.url];
    // It could not even read the key's policy; and whoever accepts that does not get further.
    assert_eq!(owner.code(&deploy), "not-accepted");
    let accept = ["--accept", "policy-unread,facts-unread"];
    // Nobody is there with whom it would speak.
    assert_eq!(owner.code(&[&deploy[..], &accept].concat()), "unreachable");
    assert!(!enclave.parent.events("kms").is_empty(), "it did not even try: {}", enclave.parent.log());
}
