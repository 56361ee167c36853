//! Where the client keeps its files: configuration, data and state apart, or all in one folder.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::failed;
use common::user::{FOLDERS, User};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PIN: &str = "0:abababababababababababababababababababababababababababababababababababababababababababababababab";

/// The paths of all files, below the user's home.
fn files(user: &User) -> BTreeSet<String> {
    let (home, mut found) = (user.0.path(), BTreeSet::new());
    walk(home, &mut found);
    found.iter().map(|path| path.strip_prefix(home).unwrap().to_str().unwrap().to_owned()).collect()
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.insert(path);
        }
    }
}

/// A user with one file of each kind that needs no enclave.
fn prepared() -> User {
    let user = User::new();
    let shown = user.ok(&["identity", "show", "-o", "json"]);
    let shown = capelet_json_schema::object(&shown);
    user.ok(&["contact", "add", "me", shown["owner"].as_str().unwrap()]);
    user.ok(&["config", "url", "capelet://a"]);
    user.ok(&["pin", "capelet://a", "-p", PIN]);
    user
}

#[test]
fn files_lie_apart_by_what_their_loss_means() {
    let user = prepared();
    let expected = [
        ".config/capelet/config.json",
        ".config/capelet/contacts.json",
        ".config/capelet/trust.json",
        ".local/share/capelet/identity.json",
        ".local/state/capelet/lock",
    ];
    assert_eq!(files(&user), expected.map(str::to_owned).into());
    for folder in FOLDERS {
        assert_eq!(fs::metadata(user.path(folder)).unwrap().permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn commands_that_change_nothing_make_no_folder() {
    let user = User::new();
    for arguments in [&["version"][..], &["config"], &["key", "show"], &["contact", "list"], &["pin"]] {
        user.ok(arguments);
    }
    assert_eq!(fs::read_dir(user.0.path()).unwrap().count(), 0);
}

#[test]
fn each_folder_is_checked_and_no_output_replaces_a_file_in_it() {
    let user = prepared();
    fs::write(user.path("passphrase"), "correct horse battery staple").unwrap();
    fs::set_permissions(user.path("passphrase"), Permissions::from_mode(0o600)).unwrap();
    let passphrase = user.path("passphrase");
    for name in [
        ".config/capelet/trust.json",
        ".local/share/capelet/identity.json",
        ".local/share/capelet/catalogue.json",
        ".local/state/capelet/seen.json",
    ] {
        let (file, passphrase) = (user.path(name), passphrase.to_str().unwrap());
        let export = ["identity", "export", file.to_str().unwrap(), "--passphrase-file", passphrase, "--force"];
        failed(&user.say(&export), "protected-file");
    }
    for folder in FOLDERS {
        fs::set_permissions(user.path(folder), Permissions::from_mode(0o770)).unwrap();
        let refused = user.say(&["version"]);
        failed(&refused, "bad-permissions");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(folder));
        fs::set_permissions(user.path(folder), Permissions::from_mode(0o700)).unwrap();
    }
    user.ok(&["version"]);
}

/// Before the folders were separate, everything was in the configuration folder.
#[test]
fn a_folder_of_an_earlier_version_is_used_as_it_is() {
    let user = prepared();
    let earlier = User::new();
    fs::create_dir_all(earlier.path(FOLDERS[0])).unwrap();
    for file in files(&user) {
        let path = Path::new(&file);
        fs::copy(user.path(&file), earlier.path(FOLDERS[0]).join(path.file_name().unwrap())).unwrap();
    }
    let before = files(&earlier);
    for arguments in [&["identity", "show"][..], &["contact", "list"], &["config"], &["pin"]] {
        assert_eq!(earlier.ok(arguments), user.ok(arguments), "{arguments:?}");
    }
    earlier.ok(&["config", "url", "capelet://b"]);
    assert_eq!(files(&earlier), before);
    assert!(!earlier.path(".local").exists());
}
