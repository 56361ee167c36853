//! What an owner's client remembers, compares and brings along: accepted key policies, epochs, versions, names.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_dev::kms::{ADMINISTRATOR, Client, STRANGER, sealed_policy};
use capelet_e2e::{Local, Person, refusal};
use common::{ECHO, Place, SEVEN};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A passphrase file for exports.
fn passphrase(place: &Place) -> String {
    let path = place.path("passphrase");
    fs::write(&path, "correct horse battery staple\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// Exports the owner's identity to a new file.
fn export(place: &Place, name: &str) -> String {
    let path = place.path(name);
    place.owner.ok(&["identity", "export", &path, "--passphrase-file", &passphrase(place)]);
    path
}

/// Another machine of the owner, with what the export holds.
fn import(place: &Place, name: &str, export: &str) -> Person {
    let person = place.person(name);
    person.ok(&["identity", "import", export, "--passphrase-file", &passphrase(place)]);
    person
}

fn encrypt(person: &Person, data: &str) -> String {
    String::from_utf8(person.ok(&["encrypt", data])).unwrap().trim().to_owned()
}

/// An enclave whose KMS key's policy the administrator may change.
struct ChangeablePolicy {
    place: Place,
    arn: String,
}

impl ChangeablePolicy {
    fn new() -> Self {
        Self::of(Place::new(&[]))
    }

    fn of(Place { local, owner, folder }: Place) -> Self {
        let (home, pcr0) = (local.home.clone(), local.pcr0.clone());
        let policy = Self::policy(&pcr0, &[]);
        let created = Self::client(&home).call("CreateKey", &json!({ "Policy": policy })).unwrap();
        let arn = created["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        // The enclave of this PCR0 uses the new key from its next start on.
        fs::write(home.join("keys").join(&pcr0), &arn).unwrap();
        Self { place: Place { local, owner, folder }, arn }.restart()
    }

    /// A new boot: the enclave of the old one would use what it read of the key a short while ago.
    fn restart(self) -> Self {
        let Place { local, owner, folder } = self.place;
        let home = local.home.clone();
        local.stop();
        Self { place: Place { local: Local::start(&home, &[]), owner, folder }, arn: self.arn }
    }

    fn client(home: &Path) -> Client {
        let root = fs::read(home.join("kms/kms-root.der")).unwrap();
        let address = format!("unix:{}", home.join("run/kms").display()).parse().unwrap();
        Client::new(&address, &root, "eu-central-1", &ADMINISTRATOR).unwrap()
    }

    /// The development default, which the administrator may change, with further statements.
    fn policy(pcr0: &str, further: &[Value]) -> String {
        let pcr0: [u8; 48] = std::array::from_fn(|i| u8::from_str_radix(&pcr0[2 * i..2 * i + 2], 16).unwrap());
        let mut policy: Value = serde_json::from_str(&sealed_policy(&pcr0)).unwrap();
        let statements = policy["Statement"].as_array_mut().unwrap();
        statements.push(json!({
            "Effect": "Allow", "Principal": {"AWS": ADMINISTRATOR.arn}, "Action": "kms:PutKeyPolicy", "Resource": "*",
        }));
        statements.extend_from_slice(further);
        policy.to_string()
    }

    /// Lets one more account decrypt.
    fn weaken(self, sid: &str) -> Self {
        let further = json!({
            "Sid": sid, "Effect": "Allow", "Principal": {"AWS": STRANGER.arn}, "Action": "kms:Decrypt", "Resource": "*",
        });
        let policy = Self::policy(&self.place.local.pcr0, &[further]);
        let kms = Self::client(&self.place.local.home);
        kms.call("PutKeyPolicy", &json!({ "KeyId": self.arn, "Policy": policy })).unwrap();
        self.restart()
    }
}

#[test]
fn signs_nothing_under_a_key_policy_that_the_owner_did_not_accept() {
    let changeable = ChangeablePolicy::new();
    changeable.place.owner.ok(&["key", "create"]);
    changeable.place.deploy("echo", ECHO);
    let folder = changeable.place.function("echo", ECHO);
    let again = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    changeable.place.owner.ok(&again);

    let changeable = changeable.weaken("first");
    let place = &changeable.place;
    let owner = &place.owner;
    let statement = || {
        let stored = place.local.stored().into_iter().find(|path| path.to_string_lossy().contains("/03/"));
        fs::read(stored.unwrap()).unwrap()
    };
    let before = statement();
    let signing = [&["key", "renew"][..], &["key", "create", "--next-epoch"], &again];
    for command in signing {
        let output = owner.run(&[command, &["-o", "json"]].concat());
        assert_eq!(refusal(&output), "not-accepted", "{command:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("policy-differs"), "{text}");
        // Both texts are there to be compared.
        let files = text.split_whitespace().filter(|word| word.contains(".policy.json"));
        let files: Vec<_> = files.map(|word| word.trim_end_matches([':', ';'])).collect();
        assert_eq!(files.len(), 2, "{text}");
        let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        assert!(!texts[0].contains(STRANGER.arn) && texts[1].contains(STRANGER.arn), "{text}");
        assert_eq!(owner.code(&[command, &["--accept", "facts-differ"]].concat()), "not-accepted");
    }
    assert_eq!(statement(), before);
    owner.ok(&["key", "renew", "--accept", "policy-differs"]);
    // What was accepted once is accepted from now on.
    for command in signing {
        owner.ok(command);
    }

    // A step that is resumed is compared as well: here the epoch was countersigned, and not confirmed.
    let catalogue = owner.home.join("catalogue.json");
    let text = fs::read_to_string(&catalogue).unwrap();
    let at = text.rfind("\"confirmed\"").unwrap();
    fs::write(&catalogue, format!("{}\"signed\"{}", &text[..at], &text[at + "\"confirmed\"".len()..])).unwrap();
    let changeable = changeable.weaken("second");
    let place = &changeable.place;
    let owner = &place.owner;
    for command in [&["key", "create"], &["key", "renew"]] {
        assert_eq!(owner.code(command), "not-accepted", "{command:?}");
    }
    assert!(fs::read_to_string(&catalogue).unwrap().contains("\"signed\""));

    // A machine without state compares with what the owner accepted when they signed their newest statement.
    let bare = place.person("bare");
    fs::copy(owner.home.join("identity.json"), bare.home.join("identity.json")).unwrap();
    for command in [&["key", "renew"][..], &again] {
        assert_eq!(bare.code(command), "not-accepted", "{command:?}");
    }
    changeable.place.local.stop();
}

#[test]
fn reports_another_kms_key_than_the_enclave_used_until_now() {
    let place = Place::new(&[]);
    let folder = place.function("echo", ECHO);
    let deploy = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    place.owner.ok(&["key", "create"]);
    place.owner.ok(&deploy);
    let bare = place.person("bare");
    fs::copy(place.owner.home.join("identity.json"), bare.home.join("identity.json")).unwrap();

    // The image and the address are the same. The operator configures another key.
    let changeable = ChangeablePolicy::of(place);
    let Place { owner, .. } = &changeable.place;
    let next = ["key", "create", "--next-epoch"];
    for (person, command) in [(owner, &deploy[..]), (owner, &next), (&bare, &next), (&bare, &deploy)] {
        let output = person.run(&[command, &["-o", "json"]].concat());
        assert_eq!(refusal(&output), "not-accepted", "{command:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("key-differs") && text.contains(&changeable.arn), "{text}");
    }
    // An owner who names the key has accepted it, and so has one who accepts the exception.
    bare.ok(&[&deploy[..], &["--key", &changeable.arn]].concat());
    owner.ok(&[&next[..], &["--accept", "key-differs"]].concat());
    owner.ok(&deploy);
    changeable.place.local.stop();
}

#[test]
fn an_export_brings_catalogue_and_epochs_to_another_machine() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create"]);
    let old = encrypt(&place.owner, "of epoch 1");
    let exported = export(&place, "first.export");

    let second = import(&place, "second", &exported);
    assert_eq!(second.json(&["list"])["differing"], json!(0));
    assert_eq!(second.ok(&["run", "echo", &old]), b"of epoch 1");
    assert_eq!(second.code(&["key", "create"]), "vault-key-exists");

    // The first machine goes on. The second one learns what it lacks, and repeats no number.
    let folder = place.function("echo", ECHO);
    let deploy = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    assert_eq!(place.owner.json(&deploy)["function_version"], json!(2));
    assert_eq!(place.owner.json(&["key", "create", "--next-epoch"])["epoch"], json!(2));
    let new = encrypt(&place.owner, "of epoch 2");
    assert_eq!(second.ok(&["run", "echo", &new]), b"of epoch 2");
    let deployed = second.json(&deploy);
    assert_eq!((&deployed["function_version"], &deployed["function_id"]), (&json!(3), &json!(id)));
    assert_eq!(second.json(&["key", "create", "--next-epoch"])["epoch"], json!(3));
    // A sender sees one key for each epoch.
    let sender = place.person("sender");
    sender.ok(&["contact", "add", "owner", &place.owner.owner()]);
    assert_eq!(sender.json(&["contact", "fetch", "owner"])["epoch"], json!(3));
    assert_eq!(place.owner.json(&["key", "create", "--next-epoch"])["epoch"], json!(4));
    assert_eq!(sender.json(&["contact", "fetch", "owner"])["epoch"], json!(4));

    // A machine with the bare secret learns the epochs from the owner's statements.
    let bare = place.person("bare");
    fs::copy(place.owner.home.join("identity.json"), bare.home.join("identity.json")).unwrap();
    let by_id = ["run", &id, &old, "--function-checksum", &checksum];
    assert_eq!(bare.ok(&by_id), b"of epoch 1");
    assert_eq!(bare.code(&["key", "create"]), "vault-key-exists");
    let shown = bare.json(&["key", "show"]);
    let epochs: Vec<_> = shown["keys"].as_array().unwrap().iter().map(|epoch| epoch["epoch"].clone()).collect();
    assert_eq!(epochs, [1, 2, 3, 4].map(|epoch| json!(epoch)));
    assert_eq!(bare.ok(&["run", &id, &encrypt(&bare, "own"), "--function-checksum", &checksum]), b"own");
    place.local.stop();
}

#[test]
fn state_of_another_identity_is_never_used() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create"]);
    let other = place.person("other");
    other.owner();
    fs::copy(other.home.join("identity.json"), place.owner.home.join("identity.json")).unwrap();
    let folder = place.function("echo", ECHO);
    for command in [
        &["run", "echo", "x"][..],
        &["deploy", folder.to_str().unwrap()],
        &["delete", "echo", "--yes"],
        &["key", "create"],
        &["key", "renew"],
        &["key", "show"],
        &["list"],
        &["identity", "export", &place.path("export"), "--passphrase-file", &passphrase(&place)],
    ] {
        assert_eq!(place.owner.code(command), "another-identity", "{command:?}");
    }
    fs::remove_file(place.owner.home.join("identity.json")).unwrap();
    assert_eq!(place.owner.code(&["identity", "show"]), "identity-missing");
    place.local.stop();
}

#[test]
fn a_name_runs_its_last_confirmed_deployment_and_says_which() {
    let place = Place::new(&[]);
    let (old, _) = place.deploy("f", SEVEN);
    for _ in 0..2 {
        place.deploy("f", SEVEN);
    }
    let ran = place.owner.run(&["run", "f", "x"]);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("Ran version 3 of f."), "{ran:?}");
    place.owner.ok(&["delete", "f", "--yes"]);
    // Neither the name nor the id falls back to an older version.
    for name in ["f", &old] {
        assert_eq!(place.owner.code(&["run", name, "x"]), "deleted");
        assert_eq!(place.owner.code(&["delete", name, "--yes"]), "deleted");
    }
    assert_eq!(place.owner.code(&["run", "f", "x", "--function-version", "2"]), "exit-status");

    // The new deployment has another id, and a lower version than the old one.
    let (new, _) = place.deploy("f", ECHO);
    assert_ne!(new, old);
    let ran = place.owner.json(&["run", "f", "x"]);
    let expected = json!([new, 1, "f", "x"]);
    assert_eq!(json!([ran["function_id"], ran["function_version"], ran["function_name"], ran["output"]]), expected);
    place.owner.ok(&["delete", "f", "--yes"]);
    assert_eq!(place.owner.code(&["run", "f", "x"]), "deleted");
    place.local.stop();
}
