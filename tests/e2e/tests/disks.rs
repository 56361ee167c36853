//! Full disks: the one for the client's output, the one with the client's folder, the one with the store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::{Local, Person};
use common::{ECHO, Place};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// A mounted file system. Dropping it unmounts it.
struct Disk(String);

impl Disk {
    fn mount(folder: &str, size: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let size = format!("size={size},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none", folder]).status().unwrap();
        assert!(mounted.success(), "this test needs root, to mount a small file system");
        Self(folder.to_owned())
    }

    /// Fills it with one large file.
    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[7; 512]).is_ok() {}
    }

    fn filler(&self) -> String {
        format!("{}/filler", self.0)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn leaves_no_partial_ciphertext_on_a_full_disk() {
    let place = Place::new(&[]);
    place.owner.ok(&["key", "create"]);
    let small = Disk::mount(&place.path("small"), "64k");
    fs::write(place.path("big"), vec![7; 1 << 20]).unwrap();
    let out = format!("{}/big.cape", small.0);
    let code = place.owner.code(&["encrypt", "--any-function-of-owner", "-f", &place.path("big"), "--out", &out]);
    assert_eq!(code, "disk-full");
    let left: Vec<_> = fs::read_dir(&small.0).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    place.local.stop();
}

#[test]
fn sends_nothing_that_cannot_be_recorded_and_prints_results_on_a_full_disk() {
    let place = Place::new(&[]);
    let disk = Disk::mount(&place.path("home"), "256k");
    let owner = Person::pinned(Path::new(&disk.0), &place.local);
    let folder = place.function("echo", ECHO);
    let deploy = ["deploy", folder.to_str().unwrap(), "-n", "echo"];
    owner.ok(&deploy);
    let stored = place.local.stored();
    disk.fill();
    let another_image = "77".repeat(48);
    for command in [&deploy[..], &["key", "create"], &["pin", &place.local.url, "--revoke", &another_image]] {
        assert_eq!(owner.code(command), "disk-full", "{command:?}");
    }
    assert_eq!(place.local.stored(), stored, "a step was sent that could not be recorded");
    // The receipt is lost. The function's output is printed.
    let output = owner.run(&["run", "echo", "result"]);
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"result"[..], Some(1)));
    assert!(String::from_utf8(output.stderr).unwrap().contains("[disk-full]"));
    let output = owner.run(&["run", "echo", "result", "-o", "json"]);
    let printed = capelet_json_schema::object(&output.stdout);
    assert_eq!((&printed["output"], &printed["error"]["code"]), (&"result".into(), &"disk-full".into()));

    fs::remove_file(disk.filler()).unwrap();
    assert_eq!(owner.ok(&["run", "echo", "x"]), b"x");
    owner.ok(&deploy);
    owner.ok(&["key", "create"]);
    owner.ok(&["list"]);
    place.local.stop();
}

#[test]
fn reports_a_full_store_and_continues_when_it_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("e");
    let disk = Disk::mount(home.join("store").to_str().unwrap(), "256k");
    let local = Local::start(&home, &[]);
    let place = Place { owner: Person::pinned(&folder.path().join("owner"), &local), local, folder };
    place.deploy("echo", ECHO);
    disk.fill();
    let other = place.function("seven", common::SEVEN);
    let deploy = ["deploy", other.to_str().unwrap(), "-n", "seven"];
    assert_eq!(place.owner.code(&deploy), "parent-failed");
    assert_eq!(place.owner.code(&["key", "create"]), "parent-failed");
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");

    fs::remove_file(disk.filler()).unwrap();
    place.owner.ok(&deploy);
    assert_eq!(place.owner.code(&["run", "seven", "x"]), "exit-status");
    assert!(place.owner.json(&["key", "show"]).to_string().contains("epoch"));
    place.owner.ok(&["key", "create"]);
    place.local.stop();
}
