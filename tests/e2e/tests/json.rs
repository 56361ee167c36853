//! The JSON of every command, checked against `docs/json.schema.json` by [`Person::json`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::{Person, refusal};
use capelet_json_schema::tables;
use common::{ECHO, Place};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn every_command_prints_what_the_schema_says() {
    let place = Place::new(&[]);
    let seen = RefCell::new(BTreeSet::new());
    let of = |person: &Person, words: &[&str]| -> Value {
        let object = person.json(words);
        seen.borrow_mut().insert(object["command"].as_str().unwrap().to_owned());
        object
    };
    let json = |words: &[&str]| of(&place.owner, words);
    let (_, checksum) = place.deploy("echo", ECHO);
    let function = place.path("function-echo");

    for words in [&["version"][..], &["identity", "show"], &["doctor"], &["attest"], &["pcrs"], &["pin"], &["config"]] {
        json(words);
    }
    let url = &place.local.url;
    json(&["config", "url", url]);
    json(&["pin", "--development", url, "--add"]);
    json(&["pin", "--revoke", &"ab".repeat(48), url]);
    json(&["key", "create"]);
    json(&["key", "renew"]);
    json(&["key", "show"]);
    json(&["contact", "add", "me", &place.owner.owner()]);
    json(&["contact", "list"]);
    json(&["contact", "fetch", "me"]);
    json(&["contact", "remove", "me"]);
    json(&["list"]);

    let (sealed, receipt, copy) = (place.path("sealed"), place.path("receipt"), place.path("copy"));
    json(&["encrypt", "data", "--for", &checksum, "--out", &sealed]);
    assert!(json(&["encrypt", "data"])["ciphertext"].is_string());
    assert_eq!(json(&["run", "echo", "-f", &sealed, "--receipt", &receipt])["output"], "data");
    fs::write(place.path("bytes"), [0xff]).unwrap();
    assert_eq!(json(&["run", "echo", "-f", &place.path("bytes")])["output_base64"], "/w==");
    json(&["receipt", "show", &receipt]);
    json(&["receipt", "verify", "--development", &receipt, "--input", &sealed]);
    json(&["receipt", "disclose", &receipt, "--result", "--ciphertext", "1", "--out", &copy]);

    let passphrase = place.path("passphrase");
    fs::write(&passphrase, "six words that are no secret at all").unwrap();
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    json(&["identity", "export", &place.path("export"), "--passphrase-file", &passphrase]);
    let other = place.person("other");
    of(&other, &["identity", "import", &place.path("export"), "--passphrase-file", &passphrase]);

    // The store loses the function's file.
    let pcr0 = format!("0:{}", place.local.pcr0);
    json(&["checksum", &function]);
    json(&["deploy", &function, "-n", "again"]);
    json(&["delete", "again", "--yes"]);
    fs::remove_file(place.local.stored().remove(0)).unwrap();
    assert_eq!(place.owner.code(&["list"]), "catalogue-differs");

    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/attestation/2022-07-06-release.cose");
    let released = "0:f8bb0133c427bc49aa39f6811a01077ce9ab7e635fa1f5439c9c8bf99754f8230e41b09426b0e595eebdc4d6ed4bc3b6";
    json(&["verify", document, "-p", released, "--at", "1657117102484"]);
    assert_eq!(place.owner.code(&["verify", document, "-p", &pcr0, "--at", "1657117102484"]), "pcr-mismatch");
    assert_eq!(refusal(&place.owner.run(&["key", "-o", "json"])), "usage");

    let defined = tables::commands().into_iter().filter(|command| !command.members.is_empty());
    let defined: BTreeSet<_> =
        defined.map(|command| command.words).filter(|words| words.starts_with("capelet ")).collect();
    assert_eq!(seen.into_inner(), defined);
    place.local.stop();
}
