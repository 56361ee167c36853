//! Damaged or unsafe files, peers that are not enclaves, and interruptions. Each ends with its code, and no file is
//! written partially.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Person, failed, write_private};
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The time limit for an event that must happen. Even a busy host needs less.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sets the mode of a file or folder.
fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const PIN: &str = "0:abababababababababababababababababababababababababababababababababababababababababababababababab";

#[test]
fn rejects_identity_that_others_can_read() {
    let person = Person::new();
    let before = fs::read(person.file("identity.json")).unwrap();
    mode(&person.file("identity.json"), 0o644);
    failed(&person.say(&["identity", "show"]), "bad-permissions");
    failed(&person.say(&["identity", "export", "x", "--passphrase-file", "/dev/null"]), "bad-permissions");
    mode(&person.file("identity.json"), 0o600);
    assert!(person.say(&["identity", "show"]).status.success());
    assert_eq!(fs::read(person.file("identity.json")).unwrap(), before);
}

#[test]
fn rejects_folder_that_others_can_change() {
    let person = Person::new();
    mode(&person.home, 0o777);
    failed(&person.say(&["identity", "show"]), "bad-permissions");
}

#[test]
fn rejects_folder_and_identity_of_another_user() {
    const NOBODY: u32 = 65_534;
    let person = Person::new();
    if chown(person.file("identity.json"), Some(NOBODY), None).is_err() {
        // Only root may change the owner of a file. For other users, `/` is a folder of another user.
        let output = person.command(&["identity", "show"]).env("CAPELET_HOME", "/").output().unwrap();
        return failed(&output, "not-yours");
    }
    failed(&person.say(&["identity", "show"]), "not-yours");
    let owner = fs::metadata(&person.home).unwrap().uid();
    chown(person.file("identity.json"), Some(owner), None).unwrap();
    assert!(person.say(&["identity", "show"]).status.success());
    chown(&person.home, Some(NOBODY), None).unwrap();
    failed(&person.say(&["identity", "show"]), "not-yours");
}

#[test]
fn never_replaces_a_damaged_identity() {
    let person = Person::new();
    let path = person.file("identity.json");
    let good = fs::read_to_string(&path).unwrap();
    let other = Person::new();
    let others = fs::read_to_string(other.file("identity.json")).unwrap();
    let owner = |text: &str| text.split('"').nth(5).unwrap().to_owned();
    let cases = [
        (String::new(), "damaged-file"),
        (good[..good.len() - 3].to_owned(), "damaged-file"),
        (good.replace(&owner(&good), &owner(&others)), "damaged-file"),
        (good.replace("\"version\":1", "\"version\":2"), "newer-file"),
        ("x".repeat(5000), "too-large"),
    ];
    for (text, code) in cases {
        fs::write(&path, &text).unwrap();
        failed(&person.say(&["identity", "show"]), code);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn reports_state_that_it_cannot_read_with_its_file() {
    let person = Person::new();
    for (file, line) in [
        ("trust.json", ["attest", "-u", "capelet://127.0.0.1:1"].as_slice()),
        ("trust.json", &["pin", "capelet://127.0.0.1:1", "-p", PIN]),
        ("contacts.json", &["contact", "list"]),
        ("catalogue.json", &["key", "show"]),
        ("config.json", &["config"]),
    ] {
        for (version, code) in [(1, "older-file"), (2, "damaged-file"), (3, "newer-file")] {
            let text = format!("{{\"version\":{version},\"content\":{{\"what\":1}}}}");
            write_private(&person.file(file), &text);
            let output = person.say(line);
            failed(&output, code);
            assert!(String::from_utf8_lossy(&output.stderr).contains(file));
            assert_eq!(fs::read_to_string(person.file(file)).unwrap(), text);
        }
        fs::remove_file(person.file(file)).unwrap();
    }
}

/// The identity is the only thing in an older folder that is still valid.
#[test]
fn exports_the_identity_of_an_older_folder() {
    let (older, new) = (Person::new(), tempfile::tempdir().unwrap());
    write_private(&older.file("catalogue.json"), "{\"version\":1,\"content\":{\"functions\":[],\"vault\":[]}}");
    write_private(&older.file("config.json"), "{\"version\":1,\"content\":{}}");
    let output = older.say(&["key", "show"]);
    failed(&output, "older-file");
    assert!(String::from_utf8_lossy(&output.stderr).contains("CAPELET_HOME"));

    let path = |name: &str| new.path().join(name).to_str().unwrap().to_owned();
    write_private(&new.path().join("passphrase"), "correct horse");
    let (export, passphrase) = (path("export"), path("passphrase"));
    assert!(older.say(&["identity", "export", &export, "--passphrase-file", &passphrase]).status.success());
    let mut import = older.command(&["identity", "import", &export, "--passphrase-file", &passphrase]);
    let imported = import.env("CAPELET_HOME", new.path().join("home")).output().unwrap();
    assert_eq!(imported.stdout, older.say(&["identity", "show"]).stdout);
}

#[test]
fn rejects_trust_entries_without_pcr0() {
    let person = Person::new();
    let entry = |pins: &str| {
        format!(
            r#"{{"version":2,"content":{{"entries":[{{"url":"capelet://127.0.0.1:1","root":"aws","pins":[{pins}]}}]}}}}"#
        )
    };
    let zeros = format!("\"0:{}\"", "00".repeat(48));
    let only_signer = format!("\"{}\"", PIN.replace("0:", "8:"));
    for (pins, code) in
        [("", "no-pins"), (&zeros, "damaged-file"), (&only_signer, "damaged-file"), ("\"\"", "damaged-file")]
    {
        write_private(&person.file("trust.json"), &entry(pins));
        failed(&person.say(&["attest", "-u", "capelet://127.0.0.1:1"]), code);
    }
    write_private(&person.file("trust.json"), &entry(&format!("\"{PIN}\"")));
    failed(&person.say(&["attest", "-u", "capelet://127.0.0.1:1"]), "unreachable");
}

#[test]
fn rejects_inputs_over_the_limit_of_every_enclave() {
    let person = Person::new();
    let path = person.file("input");
    // One byte more than the largest input of any enclave and the bytes that encryption adds.
    fs::File::create(&path).unwrap().set_len((257 << 20) + 1).unwrap();
    let checksum = "12".repeat(32);
    let run = |file: &Path| {
        let file = file.to_str().unwrap();
        person.say(&["run", "f", "--function-checksum", &checksum, "-u", "capelet://127.0.0.1:1", "-f", file])
    };
    failed(&run(&path), "too-large");
    failed(&run(&person.file("nowhere")), "no-such-file");
    failed(&run(&person.home), "io");
}

#[test]
fn requires_a_folder_in_the_environment() {
    let person = Person::new();
    let mut command = person.command(&["version"]);
    command.env("HOME", "").env("CAPELET_HOME", "").env("XDG_CONFIG_HOME", "");
    failed(&command.output().unwrap(), "no-home");
}

#[test]
fn reports_a_full_disk() {
    let person = Person::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = person.command(&["version"]).stdout(full).output().unwrap();
    failed(&output, "disk-full");
}

#[test]
fn rejects_development_root_on_another_machine() {
    let person = Person::new();
    // 192.0.2.0/24 is reserved for documentation (RFC 5737). The command must not connect to it.
    let output = person.say(&["pin", "--development", "capelet://192.0.2.1"]);
    failed(&output, "development-only");
}

/// Starts a peer that sends each of `answers` on one connection, and then closes it.
fn peer(answers: Vec<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("capelet://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    url
}

#[test]
fn rejects_peers_that_are_not_enclaves() {
    let person = Person::new();
    for (answer, code) in [
        (b"".as_slice(), "closed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "failed"),
        // The TLS alert handshake_failure.
        (&[21, 3, 3, 0, 2, 2, 40], "failed"),
        // A truncated TLS record.
        (&[22, 3, 3, 0, 100, 2], "closed"),
    ] {
        let url = peer(vec![answer]);
        assert!(person.say(&["pin", &url, "-p", PIN]).status.success());
        failed(&person.say(&["attest", "-u", &url]), code);
    }
}

/// The line is no part of TLS, and no enclave vouches for it. Nothing else takes its place.
#[test]
fn reports_a_parent_without_a_place_as_busy() {
    let person = Person::new();
    for (answer, code, seconds) in [
        (b"capelet/1 busy 7\n".as_slice(), "busy", Some(7)),
        (b"capelet/1 busy 3600\n", "busy", Some(3600)),
        (b"capelet/1 busy 3601\n", "failed", None),
        (b"capelet/1 busy 0\n", "failed", None),
        (b"capelet/1 busy 07\n", "failed", None),
        (b"capelet/1 busy 7\n\n", "failed", None),
        (b"capelet/1 busy 7", "failed", None),
        (b"capelet/1 busy 11111111111111111111111111111111111111111111111\n", "failed", None),
        (b"capelet/2 busy 7\n", "failed", None),
    ] {
        let url = peer(vec![answer, answer]);
        assert!(person.say(&["pin", &url, "-p", PIN]).status.success());
        let output = person.say(&["attest", "-u", &url]);
        failed(&output, code);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(text.contains("nothing was sent") && text.contains("nobody vouches"), seconds.is_some(), "{text}");
        let json = person.say(&["attest", "-u", &url, "-o", "json"]);
        let printed = capelet_json_schema::object(&json.stdout);
        assert_eq!(printed["error"]["retry_after"].as_u64(), seconds, "{printed}");
    }
}

/// A parent that has no place need not read what the client sent.
#[test]
fn reports_a_busy_unix_socket_that_is_closed_at_once() {
    let person = Person::new();
    let listener = UnixListener::bind(person.file("socket")).unwrap();
    let url = format!("unix:{}", person.file("socket").display());
    assert!(person.say(&["pin", &url, "-p", PIN]).status.success());
    let parent = std::thread::spawn(move || {
        for parts in [&["capelet/1 busy 5\n"][..], &["capelet/1 b", "usy 5\n"]] {
            let (mut stream, _) = listener.accept().unwrap();
            parts.iter().for_each(|part| stream.write_all(part.as_bytes()).unwrap());
        }
    });
    for _ in 0..2 {
        failed(&person.say(&["attest", "-u", &url]), "busy");
    }
    parent.join().unwrap();
}

/// The parent closes connections while its enclave starts.
#[test]
fn says_that_nothing_was_sent_if_the_connection_ends_before_a_request() {
    let person = Person::new();
    let url = peer(vec![b""]);
    assert!(person.say(&["pin", &url, "-p", PIN]).status.success());
    let output = person.say(&["attest", "-u", &url]);
    failed(&output, "closed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("before a request was sent") && !text.contains("carried out"), "{text}");
}

#[test]
fn the_time_limit_ends_a_command_that_waits() {
    let person = Person::new();
    // The peer accepts the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("capelet://{}", listener.local_addr().unwrap());
    assert!(person.say(&["pin", &url, "-p", PIN]).status.success());
    let output = person.say(&["attest", "-u", &url, "--timeout", "1"]);
    failed(&output, "timed-out");
    assert!(String::from_utf8_lossy(&output.stderr).contains("may have been carried out"));
    let json = person.say(&["attest", "-u", &url, "--timeout", "1", "-o", "json"]);
    assert_eq!(json.status.code(), Some(1));
    let printed = capelet_json_schema::object(&json.stdout);
    assert_eq!(printed["error"]["code"], "timed-out");
}

#[test]
fn the_time_limit_removes_temporary_files_and_waits_for_no_reader() {
    let person = Person::new();
    common::vault::with_vault_key(&person.home, "unix:/nobody/is/asked");
    let out = person.file("out");
    let temporary = || {
        let names = fs::read_dir(&person.home).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with(".capelet-")).count()
    };
    let mut command = person.command(&["encrypt", "-f", "-", "--out", out.to_str().unwrap(), "--timeout", "3"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    let until = Instant::now() + PATIENCE;
    while temporary() == 0 && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "the command writes no file");
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
    assert_eq!((temporary(), out.exists()), (0, false));

    // Nobody reads the result, and nobody reads the error.
    let big = person.file("big");
    fs::File::create(&big).unwrap().set_len(1 << 20).unwrap();
    let mut command = person.command(&["encrypt", "-f", big.to_str().unwrap(), "--timeout", "1", "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// Waits until the child handles SIGINT, and sends SIGINT.
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(mask, 16).unwrap() & 0b10 != 0
    };
    let until = Instant::now() + PATIENCE;
    while !caught() {
        assert!(Instant::now() < until, "the command does not catch SIGINT");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("sh").args(["-c", "kill -INT $0", &pid]).status().unwrap().success());
}

#[test]
fn reports_interrupt_and_ends_by_the_signal() {
    let person = Person::new();
    let mut command = person.command(&["verify", "-", "-p", PIN]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The command waits for its input while this end of the pipe is open.
    let _stdin = child.stdin.take().unwrap();
    interrupt(&child);
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(status.signal(), Some(2), "{stderr}");
    assert!(stderr.contains("[interrupted]"), "{stderr}");
}
