//! What `doctor` finds in files, and that it changes none of them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use argh::ArgsInfo as _;
use capelet::cli::args::capelet::Capelet;
use capelet::doctor::Check;
use capelet::home::Home;
use capelet::home::catalogue::{Catalogue, DeploymentState, EpochState, FunctionEntry};
use capelet::root_id::RootId;
use capelet::values::Hex;
use common::user::{FOLDERS, User};
use common::vault::{ATTESTING, with_vault_key};
use common::{Person, write_private};
use enclave_core::attestation::Root;
use enclave_core::{Checksum, Kid, ObjectId, OwnerKey, Pcr, UnixMillis};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// Nothing listens there.
const URL: &str = "unix:/nobody/is/asked";

/// The findings of a check: level, text and remedy.
fn findings(mut command: Command, check: &str) -> Vec<(String, String, String)> {
    let output = command.args(["doctor", "-o", "json"]).output().unwrap();
    let printed = capelet_json_schema::object(&output.stdout);
    let found = printed["findings"].as_array().unwrap();
    let problems = found.iter().filter(|finding| finding["level"] == "problem").count();
    assert_eq!(output.status.code(), Some(i32::from(problems > 0)), "{printed}");
    assert_eq!(printed["error"]["code"] == "problems-found", problems > 0, "{printed}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_check = found.iter().filter(|finding| finding["check"] == check);
    of_check.map(|finding| (text(&finding["level"]), text(&finding["message"]), text(&finding["remedy"]))).collect()
}

/// Asserts that a check has one finding, of this level, with this in its text or its remedy.
#[track_caller]
fn found(person: &Person, check: &str, level: &str, part: &str) {
    let found = findings(person.command(&[]), check);
    let [(found_level, text, remedy)] = found.as_slice() else { panic!("{check}: {found:?}") };
    assert!(found_level == level && (text.contains(part) || remedy.contains(part)), "{check}: {found:?}");
}

#[test]
fn the_help_names_every_check() {
    let info = Capelet::get_args_info();
    let doctor = info.commands.iter().find(|command| command.name == "doctor").unwrap();
    let notes = doctor.command.notes.concat();
    let names = Check::ALL.map(Check::name);
    assert!(notes.contains(&names.join(", ")), "{notes}");
}

#[test]
fn reports_files_that_commands_refuse() {
    for (file, check) in [
        ("config.json", "settings"),
        ("trust.json", "pins"),
        ("contacts.json", "state"),
        ("seen.json", "state"),
        ("identity.json", "identity"),
        ("catalogue.json", "catalogue"),
        ("accepted.json", "catalogue"),
        ("backups.json", "backup"),
    ] {
        let person = Person::new();
        write_private(&person.file(file), "{");
        found(&person, check, "problem", "[damaged-file]");
        fs::set_permissions(person.file(file), Permissions::from_mode(0o644)).unwrap();
        found(&person, check, "problem", "[bad-permissions]");
    }
}

#[test]
fn reports_settings_that_somebody_wrote_by_hand() {
    let person = Person::new();
    for (setting, value) in [("output", "yaml"), ("url", "https://a")] {
        let text = format!(r#"{{"version":2,"content":{{"{setting}":"{value}"}}}}"#);
        write_private(&person.file("config.json"), &text);
        found(&person, "settings", "problem", &format!("run `capelet config {setting} ''`"));
        // The remedy works.
        assert!(person.say(&["config", setting, "", "-o", "plain"]).status.success());
        found(&person, "settings", "ok", "none are set");
    }
}

#[test]
fn reports_an_identity_that_is_missing_or_another_ones() {
    let (person, other) = (Person::new(), Person::new());
    let home = Home::at(person.home.clone()).unwrap();
    let owner = home.secret().unwrap().unwrap().owner();
    home.update_of(&owner, |_: &mut Catalogue| Ok(())).unwrap();
    found(&person, "catalogue", "ok", "nothing is unfinished");
    fs::copy(other.file("identity.json"), person.file("identity.json")).unwrap();
    found(&person, "catalogue", "problem", "[another-identity]");
    fs::remove_file(person.file("identity.json")).unwrap();
    found(&person, "identity", "problem", "[identity-missing]");
}

/// A deployment in the catalogue of this owner.
fn deployment(home: &Home, owner: &OwnerKey, version: u64, state: DeploymentState) {
    let function = FunctionEntry {
        name: "echo".into(),
        id: Hex(ObjectId::new([1; 16])),
        version,
        checksum: Hex(Checksum::new([2; 32])),
        arn: "arn".into(),
        url: URL.into(),
        root: Hex(RootId::new([3; 32])),
        image: Hex(Pcr::new([4; 48])),
        time: UnixMillis::new(0),
        state,
    };
    home.update_of(owner, |catalogue: &mut Catalogue| catalogue.begin(function)).unwrap();
}

#[test]
fn reports_what_was_begun_and_not_finished() {
    let person = Person::new();
    let home = Home::at(person.home.clone()).unwrap();
    let owner = home.secret().unwrap().unwrap().owner();
    deployment(&home, &owner, 1, DeploymentState::Started);
    found(&person, "catalogue", "warning", "the deployment of echo, version 1,");
    // A later deployment takes its place.
    deployment(&home, &owner, 2, DeploymentState::Confirmed);
    found(&person, "catalogue", "ok", "function versions: 2");

    let (root, image) = (RootId::new([3; 32]), Pcr::new([4; 48]));
    let begin =
        |catalogue: &mut Catalogue| catalogue.begin_epoch(URL, &root, &image, UnixMillis::new(0), &[]).map(drop);
    home.update_of(&owner, begin).unwrap();
    found(&person, "catalogue", "warning", "run `capelet key create -u unix:/nobody/is/asked` again");
    let sign = |catalogue: &mut Catalogue| catalogue.sign_epoch(1, Kid::new([5; 32]), &root);
    home.update_of(&owner, sign).unwrap();
    found(&person, "catalogue", "warning", "the vault key of epoch 1");
}

#[test]
fn reports_what_the_last_backup_lacks() {
    let (person, other) = (Person::new(), Person::without_identity());
    let home = Home::at(person.home.clone()).unwrap();
    let owner = home.secret().unwrap().unwrap().owner();
    let passphrase = person.file("passphrase");
    write_private(&passphrase, "correct horse");
    let (passphrase, export) = (passphrase.to_str().unwrap(), person.file("export"));
    let export = export.to_str().unwrap();
    let exports = || {
        let words = ["identity", "export", export, "--passphrase-file", passphrase, "--force"];
        assert!(person.say(&words).status.success());
    };
    found(&person, "backup", "warning", "knows of no backup");
    exports();
    found(&person, "backup", "ok", "has everything");
    deployment(&home, &owner, 1, DeploymentState::Confirmed);
    found(&person, "backup", "warning", "lacks what was deployed");
    exports();
    found(&person, "backup", "ok", "has everything");
    // An identity that was imported has a backup: the file.
    assert!(other.say(&["identity", "import", export, "--passphrase-file", passphrase]).status.success());
    found(&other, "backup", "ok", "has everything");
    // What is known of one identity's backup says nothing about another one's.
    fs::copy(Person::new().file("identity.json"), person.file("identity.json")).unwrap();
    fs::remove_file(person.file("catalogue.json")).unwrap();
    found(&person, "backup", "warning", "knows of no backup");
}

#[test]
fn an_export_succeeds_even_if_it_cannot_be_recorded() {
    let person = Person::new();
    write_private(&person.file("passphrase"), "correct horse");
    fs::create_dir(person.file("backups.json")).unwrap();
    let (export, passphrase) = (person.file("export"), person.file("passphrase"));
    let words = ["identity", "export", export.to_str().unwrap(), "--passphrase-file", passphrase.to_str().unwrap()];
    let output = person.say(&words);
    assert!(output.status.success() && export.exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("`capelet doctor` will not know of this backup"));
}

#[test]
fn reports_pins_and_the_statement_of_an_address() {
    let person = Person::new();
    let vault = with_vault_key(&person.home, URL);
    found(&person, "pins", "warning", "development root");
    found(&person, "statement", "ok", "renew it after");
    // The statement is gone, and the catalogue says that there is a key.
    fs::remove_dir_all(person.file("statements")).unwrap();
    found(&person, "statement", "ok", "you have no vault key");
    let home = Home::at(person.home.clone()).unwrap();
    let root = RootId::of(&Root::development(vault.root.der().to_vec()).unwrap());
    home.update_of(&vault.owner.owner(), |catalogue: &mut Catalogue| {
        catalogue.begin_epoch(URL, &root, &ATTESTING, UnixMillis::new(0), &[])?;
        catalogue.sign_epoch(1, Kid::new([5; 32]), &root)?;
        catalogue.mark_epoch(1, &root, EpochState::Confirmed);
        Ok(())
    })
    .unwrap();
    found(&person, "statement", "warning", "run `capelet key renew -u unix:/nobody/is/asked`");
    found(&person, "connection", "problem", "[unreachable]");
}

/// What `doctor` finds about the folders of this user.
fn folders(user: &User) -> Vec<(String, String, String)> {
    findings(user.command(&[]), "folders")
}

#[test]
fn looking_makes_no_folder_and_reports_each_one_that_others_can_change() {
    let user = User::new();
    let [(level, text, _)] = folders(&user).try_into().unwrap();
    assert!(level == "ok" && FOLDERS.iter().all(|folder| text.contains(folder)), "{text}");
    assert_eq!(fs::read_dir(user.0.path()).unwrap().count(), 0);
    for folder in FOLDERS {
        fs::create_dir_all(user.path(folder)).unwrap();
        fs::set_permissions(user.path(folder), Permissions::from_mode(0o770)).unwrap();
    }
    let found = folders(&user);
    assert_eq!(found.iter().filter(|(level, ..)| level == "problem").count(), 3, "{found:?}");
    // Nothing that others may have written is read.
    let [(level, text, _)] = findings(user.command(&[]), "settings").try_into().unwrap();
    assert!(level == "skipped" && text.contains("nothing else was checked"), "{text}");
    assert!(findings(user.command(&[]), "identity").is_empty());
}

/// A user with everything in one folder, as earlier versions had it. The name of their home needs quotes in a shell.
fn earlier() -> User {
    let folder = tempfile::Builder::new().prefix("it's a home ").tempdir().unwrap();
    let user = User(folder);
    let person = Person::new();
    with_vault_key(&person.home, URL);
    // This remembers the epoch.
    assert!(person.say(&["encrypt", "x"]).status.success());
    fs::create_dir_all(user.path(".config")).unwrap();
    let copied = Command::new("cp").arg("-a").arg(&person.home).arg(user.path(FOLDERS[0])).status();
    assert!(copied.unwrap().success());
    user
}

#[test]
fn the_remedy_moves_a_folder_of_an_earlier_version_and_loses_nothing() {
    let user = earlier();
    let shown = || {
        ["identity show", "config", "pin", "key show"].map(|words| {
            let output = user.command(&words.split(' ').collect::<Vec<_>>()).output().unwrap();
            assert!(output.status.success());
            output.stdout
        })
    };
    let before = shown();
    let [(level, text, remedy)] = folders(&user).try_into().unwrap();
    assert!(level == "warning" && text.contains("where earlier versions kept it"), "{text}");
    let command = remedy.strip_prefix("run `").unwrap().strip_suffix('`').unwrap();
    let moved = Command::new("sh").args(["-ec", command]).output().unwrap();
    assert!(moved.status.success(), "{command}: {}", String::from_utf8_lossy(&moved.stderr));
    let [(level, text, _)] = folders(&user).try_into().unwrap();
    assert!(level == "ok" && text.contains(".local/share"), "{text}");
    assert_eq!(shown(), before);
    for file in ["share/capelet/identity.json", "state/capelet/seen.json", "state/capelet/statements"] {
        assert!(user.path(".local").join(file).exists(), "{file}");
    }
}

#[test]
fn reports_a_move_that_somebody_did_not_finish() {
    let user = earlier();
    fs::create_dir_all(user.path(FOLDERS[1])).unwrap();
    // The identity is in both places. Neither copy may be replaced by the other.
    fs::copy(user.path(FOLDERS[0]).join("identity.json"), user.path(FOLDERS[1]).join("identity.json")).unwrap();
    let [(level, text, _)] = folders(&user).try_into().unwrap();
    assert!(level == "problem" && text.contains("share/capelet/identity.json"), "{text}");
    // The identity was moved, and the epochs were forgotten.
    fs::remove_file(user.path(FOLDERS[0]).join("identity.json")).unwrap();
    let [_, (level, text, remedy)] = folders(&user).try_into().unwrap();
    assert!(level == "warning" && text.contains("seen.json") && remedy.contains("mv -n"), "{text}: {remedy}");
}
