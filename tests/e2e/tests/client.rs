//! What the client does with its options, streams and memory, against an enclave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_e2e::{Person, refusal};
use capelet_terminal::Terminal;
use common::{ECHO, Place, SEVEN};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

#[test]
fn receipts_are_judged_as_their_reader_demands() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    let receipt = place.path("receipt");
    place.owner.ok(&["run", "echo", "x", "--receipt", &receipt]);
    let (owner, url) = (place.owner.owner(), place.local.url.clone());
    let verify = |options: &[&str]| place.owner.run(&[&["receipt", "verify", &receipt][..], options].concat());
    let code = |options: &[&str]| refusal(&verify(&[options, &["-o", "json"]].concat()));

    // Any machine can make a development root for itself.
    assert_eq!(code(&[]), "development-root");
    assert_eq!(code(&["-u", &url]), "development-root");
    let pins = format!("0:{}", place.local.pcr0);
    let root = place.path("root");
    let trust: serde_json::Value =
        serde_json::from_slice(&fs::read(place.owner.home.join("trust.json")).unwrap()).unwrap();
    let der = trust["content"]["entries"][0]["root"]["development"].as_str().unwrap();
    fs::write(&root, enclave_core::encoding::base64url_decode(der).unwrap()).unwrap();
    assert_eq!(code(&["-p", &pins, "--root", &root]), "development-root");
    assert!(verify(&["-p", &pins, "--root", &root, "--development"]).status.success());

    // The entry that is named decides, and only this one.
    let named = verify(&["--development", "-u", &url]);
    assert!(String::from_utf8_lossy(&named.stdout).contains(&format!("Pinned for        ➜  {url}")));
    place.owner.ok(&["pin", "capelet://another", "-p", &pins]);
    assert_eq!(code(&["--development", "-u", "capelet://another"]), "untrusted-root");
    assert_eq!(code(&["--development", "-u", "capelet://nowhere"]), "no-pins");
    assert_eq!(code(&["--development", "-u", &url, "-p", &pins]), "bad-argument");
    assert!(verify(&["--development"]).status.success());

    // What is demanded is compared, and an error has both values.
    place.owner.ok(&["contact", "add", "me", &owner]);
    let good = ["--development", "--function", &id, "--function-checksum", &checksum, "--caller", "me"];
    assert!(verify(&good).status.success());
    let (full, wrong_owner) = (format!("me/{id}"), Person::new(&place.folder.path().join("other")).owner());
    assert!(verify(&["--development", "--function", &full, "--caller", &owner]).status.success());
    let (other_id, other_checksum) = ("11".repeat(16), "22".repeat(32));
    let foreign = format!("{wrong_owner}/{id}");
    for (option, wanted, found, expected) in [
        ("--function", &other_id, &id, "wrong-function"),
        ("--function", &foreign, &id, "wrong-function"),
        ("--function-checksum", &other_checksum, &checksum, "wrong-function-checksum"),
        ("--caller", &wrong_owner, &owner, "wrong-caller"),
    ] {
        assert_eq!(code(&["--development", option, wanted]), expected);
        let text = String::from_utf8(verify(&["--development", option, wanted]).stderr).unwrap();
        assert!(text.contains(wanted.as_str()) && text.contains(found.as_str()), "{text}");
    }
    place.local.stop();
}

#[test]
fn options_of_a_session_take_effect() {
    let place = Place::new(&[]);
    let (id, checksum) = place.deploy("echo", ECHO);
    place.deploy("echo", ECHO);
    place.deploy("seven", SEVEN);
    let total = |options: &[&str]| {
        let listed = place.owner.json(&[&["list"][..], options].concat());
        listed["entries"].as_array().unwrap().len()
    };
    assert_eq!((total(&[]), total(&["--limit", "2"]), total(&["--offset", "1"])), (3, 2, 2));
    assert_eq!(
        (total(&["--limit", "1", "--offset", "2"]), total(&["--limit", "0"]), total(&["--offset", "9"])),
        (1, 0, 0)
    );
    let missing = ["--function-version", "9", "--function-checksum", &checksum];
    assert_eq!(place.owner.code(&[&["run", &id, "x"][..], &missing].concat()), "not-found");
    place.owner.ok(&["delete", &id, "--function-version", "1", "--yes"]);
    assert_eq!(total(&[]), 2);
    assert_eq!(place.owner.ok(&["run", "echo", "x"]), b"x");
    place.local.stop();
}

#[test]
fn input_in_the_clear_may_begin_like_a_ciphertext() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create"]);
    let receipt = place.path("receipt");
    for text in ["cape:", "cape:Q1BMVA", "CPLT", "cape: an overcoat"] {
        assert_eq!(place.owner.code(&["run", "echo", text]), "malformed", "{text}");
        let shown = place.owner.run(&["run", "echo", text]).stderr;
        let shown = String::from_utf8_lossy(&shown);
        assert!(shown.contains("--plain") && shown.contains("--ciphertext"), "{shown}");
        assert_eq!(place.owner.ok(&["run", "echo", "--plain", text, "--receipt", &receipt]), text.as_bytes());
        fs::write(place.path("input"), text).unwrap();
        for form in [&[][..], &["--plain"]] {
            let verify = ["receipt", "verify", "--development", &receipt, "--input", &place.path("input")];
            place.owner.ok(&[&verify[..], form].concat());
        }
    }
    // A ciphertext in the clear is data. A ciphertext of one, which `encrypt` makes, is decrypted once.
    let text = String::from_utf8(place.owner.ok(&["encrypt", "secret"])).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", "--plain", text.trim()]), text.trim().as_bytes());
    assert_eq!(place.owner.ok(&["run", "echo", "--ciphertext", text.trim()]), b"secret");
    assert_eq!(place.owner.ok(&["run", "echo", text.trim()]), b"secret");
    let twice = String::from_utf8(place.owner.ok(&["encrypt", text.trim()])).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", twice.trim()]), text.trim().as_bytes());
    assert_eq!(place.owner.code(&["run", "echo", "--ciphertext", "secret"]), "malformed");
    assert_eq!(place.owner.code(&["run", "echo", "--ciphertext", "--plain", "secret"]), "bad-argument");
    place.local.stop();
}

/// Writes control characters to its output and to its standard error.
const TERMINAL: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "a\1b[2K\ff\0d\nb")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;

#[test]
fn a_function_cannot_command_a_terminal() {
    const RAW: &[u8] = b"a\x1b[2K\xff\r\nb";
    let place = Place::new(&[]);
    place.deploy("terminal", TERMINAL);
    let output = place.owner.run(&["run", "terminal", "x"]);
    assert_eq!(output.stdout, RAW);
    assert!(output.stderr.windows(RAW.len()).any(|part| part == RAW), "{:?}", output.stderr);

    let Some(terminal) = Terminal::open() else { return };
    let mut command = place.owner.command(&["run", "terminal", "x"]);
    command.stdout(terminal.side()).env("NO_COLOR", "1");
    let (status, shown) = terminal.run(command);
    assert!(status.success());
    assert_eq!(shown.matches(r"a\u{1b}[2K\xff\r").count(), 2, "{shown:?}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    place.local.stop();
}

#[test]
fn a_result_that_cannot_be_printed_leaves_its_receipt() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let input = place.path("input");
    fs::write(&input, vec![b'x'; 1 << 20]).unwrap();
    let receipt = place.path("receipt");
    let run = ["run", "echo", "-f", &input, "--receipt", &receipt];
    // The reader ends after a byte. The result does not fit into the pipe.
    let mut child = place.owner.command(&run).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("[io]"));
    place.owner.ok(&["receipt", "verify", "--development", &receipt, "--input", &input, "--result", &input]);
    assert_eq!(fs::metadata(&receipt).unwrap().permissions().mode() & 0o777, 0o600);

    // Standard output that was closed is found before the function runs.
    fs::remove_file(&receipt).unwrap();
    let kept = || fs::read_dir(place.owner.home.join("receipts")).map_or(0, Iterator::count);
    let before = kept();
    let capelet = place.owner.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" run echo x >&-"]).arg(capelet).env("CAPELET_HOME", &place.owner.home);
    let output = shell.output().unwrap();
    assert_eq!((output.status.code(), kept()), (Some(1), before));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output is closed"));
    place.local.stop();
}

#[test]
fn a_result_is_printed_before_its_receipt_is_synced_and_a_failure_then_is_an_error() {
    let place = Place::new(&[]);
    place.deploy("echo", ECHO);
    let (input, receipts) = (place.path("input"), place.owner.home.join("receipts"));
    fs::write(&input, vec![b'x'; 1 << 20]).unwrap();
    for format in ["plain", "json"] {
        let run = ["run", "echo", "-f", &input, "-o", format];
        let mut child = place.owner.command(&run).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The result does not fit into the pipe, so that the program waits after the first byte has been read.
        let mut first = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        let receipt = fs::read_dir(&receipts).unwrap().next().unwrap().unwrap().path();
        place.owner.ok(&["receipt", "verify", "--development", receipt.to_str().unwrap(), "--result", &input]);
        // The receipt's name can no longer be synced.
        fs::rename(&receipts, place.path(format)).unwrap();
        let output = child.wait_with_output().unwrap();
        let printed = [&first[..], &output.stdout].concat();
        match format {
            "plain" => assert_eq!(printed, fs::read(&input).unwrap()),
            _ => {
                let object = capelet_json_schema::object(&printed);
                assert_eq!(object["receipt"].as_str(), receipt.to_str());
            }
        }
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("its receipt may not be on the disk") && said.contains("[no-such-file]"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
    place.local.stop();
}

/// The most memory that a process has used, in KiB.
fn peak(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Reads nothing, and writes more than a pipe holds.
const MORE_THAN_A_PIPE: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 200000))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;

/// The command waits for the reader of its result. Its memory is measured then.
#[test]
fn a_run_holds_its_input_once() {
    const LENGTH: u64 = 64 << 20;
    let place = Place::new(&[]);
    place.deploy("more", MORE_THAN_A_PIPE);
    place.deploy("echo", ECHO);
    place.owner.ok(&["key", "create"]);
    let (plain, text, binary) = (place.path("plain"), place.path("text"), place.path("binary"));
    File::create(&plain).unwrap().set_len(LENGTH).unwrap();
    place.owner.ok(&["encrypt", "-f", &plain, "--out", &binary]);
    let encrypted = place.owner.command(&["encrypt", "-f", &plain]).stdout(File::create(&text).unwrap()).status();
    assert!(encrypted.unwrap().success());
    let half = place.path("half");
    File::create(&half).unwrap().set_len(LENGTH / 2).unwrap();
    let cases: [(&str, &[&String], &str); 6] = [
        ("more", &[&plain], "plain"),
        ("more", &[&binary], "plain"),
        ("more", &[&text], "plain"),
        ("more", &[&half, &half], "plain"),
        // The result is as large as the input.
        ("echo", &[&plain], "plain"),
        ("echo", &[&plain], "json"),
    ];
    for (function, files, format) in cases {
        let mut arguments = vec!["run", function, "-o", format];
        files.iter().for_each(|file| arguments.extend(["-f", file.as_str()]));
        let mut command = place.owner.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        // The last bytes of a result do not fit into the pipe, so that the command waits for them to be read.
        let length = if function == "echo" { LENGTH } else { 200_000 };
        let begun = std::io::copy(&mut stdout.by_ref().take(length - 100_000), &mut std::io::sink()).unwrap();
        let peak = peak(&child);
        let rest = std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(begun + rest >= length);
        let input: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
        assert!(peak < (input >> 10) + (64 << 10), "{arguments:?}: {peak} KiB for {input} bytes");
    }
    place.local.stop();
}

/// Two addresses of one owner, or a folder that was restored, can leave an older statement than the newest one seen.
#[test]
fn a_statement_that_is_older_than_a_seen_one_is_fetched_again() {
    let place = Place::new(&[]);
    place.owner.ok(&["key", "create"]);
    let (_, checksum) = place.deploy("echo", ECHO);
    let sender = place.person("sender");
    sender.ok(&["contact", "add", "owner", &place.owner.owner()]);
    let fetched = || {
        sender.ok(&["contact", "fetch", "owner"]);
        let mut kept = fs::read_dir(sender.home.join("statements")).unwrap();
        kept.next().unwrap().unwrap().path()
    };
    let path = fetched();
    let old = fs::read(&path).unwrap();
    place.owner.ok(&["key", "create", "--next-epoch"]);
    assert_eq!(fetched(), path);
    fs::write(&path, old).unwrap();
    let encrypt = ["encrypt", "--to", "owner", "--for", &checksum, "--accept", "operator-account", "text"];
    let text = String::from_utf8(sender.ok(&encrypt)).unwrap();
    assert_eq!(place.owner.ok(&["run", "echo", text.trim()]), b"text");
    place.local.stop();
}
