//! Deploying, encrypting, running and checking receipts, as people use them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::{Person, refusal};
use capelet_terminal::Terminal;
use common::{ECHO, Place, SEVEN};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn owners_deploy_run_list_and_delete_functions() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    assert_eq!(place.owner.ok(&["run", "echo", "hello"]), b"hello");
    assert_eq!(place.owner.ok(&["run", &id, "hello"]), b"hello");
    assert_eq!(place.owner.run_with(&["run", "echo", "-"], &[7; 300_000]).stdout, [7; 300_000]);
    assert_eq!(place.owner.run_with(&["run", "echo"], b"").stdout, b"");

    let printed = place.owner.json(&["run", "echo", "hello"]);
    assert_eq!(printed["output"], json!("hello"));
    assert_eq!(printed["function_checksum"], json!(checksum));
    assert_eq!(printed["development"], json!(true));
    let inputs = &printed["input_commitments"];
    assert!(inputs[0]["data"].is_string() && inputs[0]["ciphertext"].is_null(), "{inputs}");

    let listed = place.owner.json(&["list"])["entries"].to_string();
    assert!(listed.contains(&id), "{listed}");
    // The configuration's KMS key may also be named.
    let attested = place.owner.json(&["attest"]);
    let folder = place.function("named", ECHO);
    let key = attested["kms_key"].as_str().unwrap();
    place.owner.ok(&["deploy", folder.to_str().unwrap(), "-n", "named", "--key", key]);
    assert_eq!(place.owner.ok(&["run", "named", "hello"]), b"hello");
    let memory = attested["session_memory"].as_u64().unwrap();
    let verbose = place.owner.run(&["attest", "-v"]).stderr;
    assert!(memory > 0 && String::from_utf8_lossy(&verbose).contains(&format!("{memory} bytes of memory")));

    place.owner.ok(&["delete", "echo", "--yes"]);
    assert!(!place.owner.json(&["list"])["entries"].to_string().contains(&id));
    assert_eq!(place.owner.code(&["run", &id, "x", "--function-checksum", &checksum]), "deleted");
    place.local.stop();
}

#[test]
fn a_function_is_deleted_only_if_that_was_confirmed() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let is_there = || place.owner.ok(&["run", "echo", "x"]) == b"x";
    assert_eq!(place.owner.code(&["delete", "echo"]), "not-confirmed");
    assert!(is_there());
    for (answer, deletes) in [("n\n", false), ("\n", false), ("yes please\n", false), ("Yes\n", true)] {
        let Some(terminal) = Terminal::open() else { return };
        let mut command = place.owner.command(&["delete", "echo"]);
        command.stdin(terminal.side()).stdout(terminal.side());
        terminal.press(answer);
        let (status, shown) = terminal.run(command);
        assert!(shown.contains("Delete version 1 of echo ("), "{shown}");
        assert_eq!((status.success(), shown.contains("[not-confirmed]")), (deletes, !deletes), "{answer:?}: {shown}");
        assert!(deletes || is_there());
    }
    assert_eq!(place.owner.code(&["run", "echo", "x"]), "deleted");
    place.local.stop();
}

#[test]
fn only_the_named_function_decrypts_and_its_receipt_proves_it() {
    let place = Place::new(&[]);
    let (_, checksum) = place.deploy("echo", ECHO);
    place.deploy("seven", SEVEN);
    place.owner.ok(&["key", "create"]);
    let sender = place.person("sender");
    sender.ok(&["contact", "add", "owner", &place.owner.owner()]);
    fs::write(place.path("letter"), "the letter's text").unwrap();
    let (letter, sealed) = (place.path("letter"), place.path("letter.cape"));

    // For another owner's vault, the sender names the functions and accepts the exceptions.
    let unbound = sender.code(&["encrypt", "--to", "owner", "-f", &letter, "--out", &sealed]);
    assert!(!unbound.is_empty());
    assert!(!fs::exists(&sealed).unwrap());
    let encrypt = ["encrypt", "--to", "owner", "--for", &checksum, "--accept", "operator-account", "-f", &letter];
    sender.ok(&[&encrypt[..], &["--out", &sealed]].concat());
    assert!(!fs::read(&sealed).unwrap().windows(6).any(|window| window == b"letter"));

    let sealed_again = place.path("again.cape");
    sender.ok(&[&encrypt[..], &["--out", &sealed_again]].concat());

    let receipt = place.path("receipt");
    let output = place.owner.ok(&["run", "echo", "-f", &sealed, "--receipt", &receipt]);
    assert_eq!(output, b"the letter's text");
    assert_eq!(place.owner.code(&["run", "seven", "-f", &sealed]), "refused");

    // A receipt is verified offline, after the enclave has ended.
    fs::write(place.path("output"), &output).unwrap();
    fs::write(place.path("other"), "another text").unwrap();
    let (output, other, copy) = (place.path("output"), place.path("other"), place.path("copy"));
    place.local.stop();
    sender.ok(&["receipt", "verify", "--development", &receipt, "--result", &output, "--input", &letter]);
    assert_eq!(sender.code(&["receipt", "verify", "--development", &receipt, "--result", &other]), "disagrees");
    assert_eq!(sender.code(&["receipt", "verify", "--development", &receipt, "--input", &other]), "disagrees");
    // The encrypted file has a commitment of its own. An equal text in another file is not this file.
    let verified =
        sender.json(&["receipt", "verify", "--development", &receipt, "--result", &output, "--input", &sealed]);
    assert_eq!(verified["compared"], json!(["result", "ciphertext 1"]));
    assert_eq!(sender.code(&["receipt", "verify", "--development", &receipt, "--input", &sealed_again]), "disagrees");
    let shown = sender.json(&["receipt", "show", &receipt]);
    assert!(
        shown["input_commitments"][0]["data"].is_string() && shown["input_commitments"][0]["ciphertext"].is_string(),
        "{shown}"
    );
    // Who is shown only that the file was used cannot compare its content, and the other way round.
    for (option, fits, other) in [("--ciphertext", &sealed, &letter), ("--input", &letter, &sealed)] {
        place.owner.ok(&["receipt", "disclose", &receipt, "--out", &copy, option, "1"]);
        sender.ok(&["receipt", "verify", "--development", &copy, "--input", fits]);
        assert_eq!(
            sender.code(&["receipt", "verify", "--development", &copy, "--input", other]),
            "disagrees",
            "{option}"
        );
        assert_eq!(
            sender.code(&["receipt", "verify", "--development", &copy, "--result", &output]),
            "disagrees",
            "{option}"
        );
    }
    let stranger = Person::new(&place.folder.path().join("stranger"));
    assert_eq!(stranger.code(&["receipt", "verify", "--development", &receipt]), "no-pins");
    // A copy that discloses nothing may be read by others as little as the receipt itself.
    for file in [&receipt, &copy] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn refuses_callers_who_are_not_the_owner() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    let other = place.person("other");
    let owner = place.owner.owner();
    let named = format!("{owner}/{id}");
    let checked = ["--function-checksum", &checksum, "--function-version", "1"];
    assert_eq!(other.code(&[&["run", &named, "x"][..], &checked].concat()), "refused");
    // The caller owns no function with this id.
    assert_eq!(other.code(&[&["run", &id, "x"][..], &checked].concat()), "not-found");
    assert!(!other.json(&["list"]).to_string().contains(&id));
    place.local.stop();
}

#[test]
fn refuses_deployers_who_are_not_on_the_list() {
    let place = Place::new(&[]);
    let key = place.owner.owner();
    place.local.stop();
    let listed = capelet_e2e::Local::start(&place.folder.path().join("e2"), &["--deployer", &key]);
    let owner = Person { home: place.owner.home.clone() };
    owner.ok(&["pin", "--development", &listed.url]);
    let folder = tempfile::tempdir_in(place.folder.path()).unwrap();
    let wasm = wat::parse_str(ECHO).unwrap();
    capelet_e2e::function(folder.path(), &wasm, &json!({ "entry": "function.wasm" }));
    let path = folder.path().to_str().unwrap().to_owned();
    owner.ok(&["deploy", &path, "-n", "echo", "-u", &listed.url]);
    let other = Person::pinned(&place.folder.path().join("other"), &listed);
    assert_eq!(other.code(&["deploy", &path, "-n", "echo"]), "refused");
    assert_eq!(other.code(&["key", "create"]), "refused");
    // Another start with the same list has the same configuration. Its salt is kept.
    let digest = owner.json(&["attest", "-u", &listed.url])["deployers"].clone();
    let home = listed.home.clone();
    listed.stop();
    let again = capelet_e2e::Local::start(&home, &["--deployer", &key]);
    assert!(digest.is_string());
    assert_eq!(owner.json(&["attest", "-u", &again.url])["deployers"], digest);
    again.stop();
}

/// Deploys and runs a function that fails with this code. Verifies its receipt.
fn fails(place: &Place, name: &str, text: &str, code: &str) {
    place.deploy(name, text);
    let receipt = place.path(&format!("{name}.receipt"));
    let output = place.owner.run(&["run", name, "x", "--receipt", &receipt, "-o", "json"]);
    assert_eq!(refusal(&output), code, "{name}");
    let verify = ["receipt", "verify", "--development", &receipt];
    let shown = place.owner.json(&[&verify[..], &["--allow-failed"]].concat());
    assert!(shown["status"] != json!(0) && shown["status"] != json!("done"), "{name}: {shown}");
    // The failure is an error unless it is allowed, and the verified receipt is printed nevertheless.
    let refused = place.owner.run(&[&verify[..], &["-o", "json"]].concat());
    assert_eq!(refusal(&refused), "run-failed", "{name}");
    let printed = capelet_json_schema::object(&refused.stdout);
    assert_eq!((&printed["verified"], &printed["status"]), (&json!(true), &shown["status"]));
}

#[test]
fn a_failed_run_has_a_code_and_a_receipt() {
    let place = Place::new(&["--limit-output", "1000000", "--limit-memory", "8388608"]);
    for (name, text, code) in [
        ("seven", SEVEN, "exit-status"),
        ("trap", common::TRAP, "trapped"),
        ("grow", common::GROW, "memory-limit"),
        ("flood", common::FLOOD, "output-limit"),
    ] {
        fails(&place, name, text, code);
    }
    // The owner sees what their own function writes on standard error, because all of the input is plain.
    let output = place.owner.run(&["run", "seven", "x"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("oh no"));
    place.local.stop();

    // This enclave with its short time limit runs one function only. On a busy host the others could exceed it too.
    let place = Place::new(&["--limit-run", "1500"]);
    fails(&place, "spin", common::SPIN, "time-limit");
    place.local.stop();
}

#[test]
fn vault_keys_are_created_renewed_and_decrypt_after_a_restart() {
    let place = Place::new(&[]);
    let made = place.owner.json(&["key", "create"]);
    assert_eq!(made["epoch"], json!(1), "{made}");
    let again = place.owner.run(&["key", "create", "-o", "json"]);
    assert!(!again.status.success() || capelet_json_schema::object(&again.stdout)["epoch"] == json!(1));
    place.owner.ok(&["key", "renew"]);
    place.owner.ok(&["key", "create", "--next-epoch"]);
    let shown = place.owner.json(&["key", "show"]).to_string();
    assert!(shown.contains("confirmed"), "{shown}");
    // A ciphertext for the owner's own vault is decrypted after a restart of the enclave.
    place.deploy("echo", ECHO);
    let text = String::from_utf8(place.owner.ok(&["encrypt", "mine alone"])).unwrap();
    assert!(text.starts_with("cape:"), "{text}");
    let home = place.local.home.clone();
    place.local.kill();
    let local = capelet_e2e::Local::start(&home, &[]);
    assert_eq!(place.owner.ok(&["run", "echo", text.trim()]), b"mine alone");
    local.stop();
}
