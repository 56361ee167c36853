//! Every output: devices, FIFOs and links are written into, `-` is standard output, and modes are kept.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::vault::with_vault_key;
use common::{Person, failed};
use rustix::fs::{FileType, Mode};
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Output, Stdio};

/// Nothing listens there. Encryption to a vault whose statement was kept works without a connection.
const URL: &str = "unix:/nobody/is/asked";

/// A user who can encrypt to their own vault offline.
fn person() -> Person {
    let person = Person::new();
    with_vault_key(&person.home, URL);
    person
}

fn encrypt(person: &Person, out: &Path) -> Output {
    person.say(&["encrypt", "data", "--out", out.to_str().unwrap()])
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn writes_into_fifos_devices_and_through_links() {
    let person = person();
    let path = |name: &str| person.file(name);
    rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let reader = std::thread::spawn({
        let fifo = path("fifo");
        move || fs::read(fifo).unwrap()
    });
    succeeded(&encrypt(&person, &path("fifo")));
    assert!(reader.join().unwrap().starts_with(b"CPLT"));
    fs::write(path("real"), "old").unwrap();
    symlink("real", path("link")).unwrap();
    succeeded(&encrypt(&person, &path("link")));
    assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
    assert!(fs::read(path("real")).unwrap().starts_with(b"CPLT"));
    symlink("absent", path("nothing")).unwrap();
    failed(&encrypt(&person, &path("nothing")), "no-such-file");
    failed(&encrypt(&person, &person.home), "io");
    // Only root may make a device. This one is the null device.
    let null = rustix::fs::makedev(1, 3);
    if rustix::fs::mknodat(rustix::fs::CWD, path("null"), FileType::CharacterDevice, Mode::RWXU, null).is_ok() {
        succeeded(&encrypt(&person, &path("null")));
        assert!(!fs::symlink_metadata(path("null")).unwrap().is_file());
    }
}

#[test]
fn keeps_the_mode_of_a_file_that_it_replaces() {
    let person = person();
    for mode in [0o400, 0o640] {
        fs::write(person.file("out"), "old").unwrap();
        fs::set_permissions(person.file("out"), Permissions::from_mode(mode)).unwrap();
        succeeded(&encrypt(&person, &person.file("out")));
        assert_eq!(fs::metadata(person.file("out")).unwrap().mode() & 0o777, mode);
        fs::remove_file(person.file("out")).unwrap();
    }
}

#[test]
fn dash_is_standard_output_and_has_it_alone() {
    let person = person();
    let output = person.command(&["encrypt", "data", "--out", "-"]).current_dir(&person.home).output().unwrap();
    succeeded(&output);
    assert!(output.stdout.starts_with(b"CPLT"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Encrypted ➜  4 bytes"));
    assert!(!person.file("-").exists());
    for path in ["-", "/dev/stdout"] {
        let json = person.say(&["encrypt", "data", "--out", path, "-o", "json"]);
        assert_eq!(json.status.code(), Some(2));
        let object = capelet_json_schema::object(&json.stdout);
        assert_eq!(object["error"]["code"], "bad-argument");
        let run = ["run", "f", "x", "--receipt", path, "-u", URL];
        failed(&person.say(&run), "bad-argument");
    }
    failed(&person.say(&["receipt", "disclose", "none", "--out", "-"]), "no-such-file");
}

#[test]
fn a_receipt_is_opened_before_anything_is_sent() {
    let person = person();
    let receipt = person.file("none").join("receipt");
    // A connection to this address would fail with `unreachable`.
    failed(&person.say(&["run", "f", "x", "--receipt", receipt.to_str().unwrap(), "-u", URL]), "no-such-file");
    failed(&person.say(&["run", "f", "x", "--receipt", person.home.to_str().unwrap(), "-u", URL]), "io");
    let kept = person.file("receipt");
    fs::write(&kept, "an earlier one").unwrap();
    failed(&person.say(&["run", "f", "x", "--receipt", kept.to_str().unwrap(), "-u", URL]), "unreachable");
    assert_eq!(fs::read(&kept).unwrap(), b"an earlier one");
}

/// Encrypting prints its JSON while it encrypts. The object is complete even if the input fails.
#[test]
fn json_of_encrypt_is_one_object() {
    let person = person();
    for data in ["", "data", &"x".repeat(100_000)] {
        let output = person.say(&["encrypt", "-o", "json", "--", data]);
        succeeded(&output);
        let object = capelet_json_schema::object(&output.stdout);
        let text = object["ciphertext"].as_str().unwrap();
        assert!(enclave_core::encoding::cape_decode(text).unwrap().starts_with(b"CPLT"));
        assert_eq!((object["bytes"].as_u64(), object["development"].as_bool()), (Some(data.len() as u64), Some(true)));
        let plain = person.say(&["encrypt", "--", data]);
        assert!(plain.stdout.starts_with(b"cape:") && plain.stdout.ends_with(b"\n"));
    }
    // A process' memory cannot be read from its beginning, which is not mapped.
    let output = person.say(&["encrypt", "-o", "json", "-f", "/proc/self/mem"]);
    assert_eq!(output.status.code(), Some(1));
    let object = capelet_json_schema::object(&output.stdout);
    assert_eq!(object["error"]["code"], "io");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot read /proc/self/mem"), "{stderr}");
}

#[test]
fn encrypts_large_data_in_little_memory() {
    const LENGTH: u64 = 200 << 20;
    let person = person();
    let big = person.file("big");
    fs::File::create(&big).unwrap().set_len(LENGTH).unwrap();
    for format in ["json", "plain"] {
        let mut command = person.command(&["encrypt", "-f", big.to_str().unwrap(), "-o", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        // The text form is a third longer. When these bytes have arrived, everything but the end is encrypted, and the
        // command waits for its reader.
        let most = std::io::copy(&mut out.by_ref().take(LENGTH / 3 * 4), &mut std::io::sink()).unwrap();
        let peak = peak(&child);
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(most, LENGTH / 3 * 4);
        assert!(peak < 64 << 10, "{format}: {peak} KiB");
    }
}

/// The most memory that a process has used, in KiB.
fn peak(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
