//! The development image, used by the ordinary client: deploy a function, encrypt an input, run one on the other.
//!
//! The image has the kernel, PID 1 and worker of the release, and a core that trusts a development KMS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use capelet_e2e::{Person, function, refusal};
use capelet_image::{Enclave, Kms, Machine, development, measured, release};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A function that copies its input to its output.
const ECHO: &str = include_str!("../../hardware/echo.wat");
/// A function that never ends.
const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;
/// A function that allocates memory without end.
const GROW: &str = r#"(module (memory (export "memory") 1)
  (func (export "_start") (loop $l (drop (memory.grow (i32.const 16))) (br $l))))"#;

/// Makes a folder with a function of this WebAssembly text, and returns its path.
fn folder(enclave: &Enclave, name: &str, text: &str) -> String {
    let folder = enclave.folder.path().join(format!("function-{name}"));
    function(&folder, &wat::parse_str(text).unwrap(), &json!({ "entry": "function.wasm" }));
    folder.to_str().unwrap().to_owned()
}

fn measurements() -> PathBuf {
    development().join("measurements.json")
}

#[test]
fn functions_are_deployed_and_run_on_encrypted_inputs_also_after_a_reboot() {
    let kms = Kms::start();
    let key = kms.key(&measured(&development())["PCR0"]);
    let mut enclave = kms.enclave(&development(), &key, &["--limit-run", "5000", "--limit-memory", "16777216"]);
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
    // The store does not hold the plaintext.
    let store = enclave.folder.path().join("store");
    let stored =
        capelet_image::output(Command::new("grep").args(["-rlc", "letter", "--"]).arg(&store).arg(path("letter")));
    assert_eq!(stored.trim(), path("letter"));

    for (name, text, code) in [("spin", SPIN, "time-limit"), ("grow", GROW, "memory-limit")] {
        deploy(name, text);
        assert_eq!(refusal(&owner.run(&[&["run", name, "x", "-o", "json"][..], &at].concat())), code);
    }

    // A new boot of the same image opens what the first one sealed. The receipt of the first one is still valid.
    let folder = enclave.folder.path().to_owned();
    enclave.machine.end();
    enclave.machine = Machine::boot(&folder, &development().join("capelet.eif"), &[]);
    enclave.machine.wait_until_serving();
    assert_eq!(owner.ok(&[&["run", "echo", "again"][..], &at].concat()), b"again");
    assert_eq!(owner.ok(&[&["run", "echo", "-f", &path("sealed")][..], &at].concat()), b"the letter's text");
    sender.ok(&["receipt", "verify", "--development", &receipt, "--input", &path("letter")]);
}

/// The key's policy names the PCR0 of another image.
#[test]
fn the_kms_refuses_another_image() {
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let enclave = kms.enclave(&development(), &key, &[]);
    let owner = enclave.pinned(&measurements());
    let folder = folder(&enclave, "echo", ECHO);
    let code = owner.code(&["deploy", &folder, "-n", "echo", "-u", &enclave.parent.url]);
    assert_eq!(code, "kms-denied");
}

/// The release trusts Amazon's TLS roots only.
#[test]
fn the_release_refuses_a_development_kms() {
    let kms = Kms::start();
    let key = kms.key(&measured(&release())["PCR0"]);
    let enclave = kms.enclave(&release(), &key, &[]);
    let owner = enclave.pinned(&release().join("measurements.json"));
    let folder = folder(&enclave, "echo", ECHO);
    let deploy = ["deploy", &folder, "-n", "echo", "-u", &enclave.parent.url];
    // The core could not read the key's policy. A client that accepts this does not get further.
    assert_eq!(owner.code(&deploy), "not-accepted");
    let accept = ["--accept", "policy-unread,facts-unread"];
    // The core refuses the TLS certificate, so it cannot reach any KMS.
    assert_eq!(owner.code(&[&deploy[..], &accept].concat()), "unreachable");
    assert!(!enclave.parent.events("kms").is_empty(), "the core did not contact the KMS: {}", enclave.parent.log());
}
