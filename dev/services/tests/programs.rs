//! The three programs: the line that they print, their end, their errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_dev::Address;
use capelet_dev::kms::{Client, PARENT};
use common::Enclave;
use common::kms::{REGION, name};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};

const KMS: &str = env!("CARGO_BIN_EXE_capelet-dev-kms");
const PROXY: &str = env!("CARGO_BIN_EXE_capelet-dev-proxy");
const ADVERSARY: &str = env!("CARGO_BIN_EXE_capelet-dev-adversary");

/// Starts a program that serves, and returns its line of JSON.
fn serving(program: &str, arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(program)
        .args(arguments)
        .arg("--until-eof")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Closes the standard input of a program, which ends it.
fn end(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn the_proxy_records_kms_traffic_of_which_only_the_name_is_readable() {
    let enclave = Enclave::boot();
    let root = enclave.path("root").join("nsm-root.der");
    let (state, record) = (enclave.path("kms"), enclave.path("record"));
    let socket = format!("unix:{}", enclave.path("socket").display());
    let (root, state, record) = (root.to_str().unwrap(), state.to_str().unwrap(), record.to_str().unwrap());
    let (kms, ready) = serving(KMS, &["--listen", &socket, "--state", state, "--nsm-root", root]);
    assert_eq!(ready["address"], socket);
    assert_eq!(ready["development"], json!(true));
    let tls_root = fs::read(ready["root"].as_str().unwrap()).unwrap();
    let (proxy, ready) = serving(PROXY, &["--listen", "127.0.0.1:0", "--to", &socket, "--record", record]);
    let address: Address = ready["address"].as_str().unwrap().parse().unwrap();
    let client = Client::new(&address, &tls_root, REGION, &PARENT).unwrap();
    let described = client.call("DescribeKey", &json!({ "KeyId": "a-key-that-nobody-made" }));
    assert_eq!(name(described), "NotFoundException");
    end(proxy);
    end(kms);
    let (up, down) = (fs::read(format!("{record}/0.up")).unwrap(), fs::read(format!("{record}/0.down")).unwrap());
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(&up, b"kms.eu-central-1.amazonaws.com"), "TLS sends the name in plaintext");
    assert!(
        !holds(&up, b"a-key-that-nobody-made") && !holds(&down, b"NotFoundException"),
        "request and answer are encrypted"
    );
    assert!(down.len() > 500);
}

#[test]
fn the_adversary_pads_swaps_and_intercepts() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_string();
    fs::write(path("binary"), b"code").unwrap();
    assert!(run(ADVERSARY, &["pad", &path("binary"), &path("padded")]).status.success());
    assert_eq!(fs::read(path("padded")).unwrap().len(), 5);

    let store = directory.path().join("store/01").join("ab".repeat(32));
    fs::create_dir_all(&store).unwrap();
    for (id, bytes) in [("aa", "first"), ("bb", "second")] {
        fs::write(store.join(format!("{}-{:016x}", id.repeat(16), 1)), bytes).unwrap();
    }
    let swapped = run(ADVERSARY, &["swap-object", &path("store"), &"aa".repeat(16), "bb"]);
    assert!(swapped.status.success());
    assert_eq!(fs::read(store.join(format!("{}-{:016x}", "aa".repeat(16), 1))).unwrap(), b"second");
    let missing = run(ADVERSARY, &["swap-object", &path("store"), "cc", "bb"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stderr).unwrap().starts_with("Error: nothing stored under "));
    let kind = run(ADVERSARY, &["swap-object", &path("store"), "aa", "bb", "--kind", "secret"]);
    assert_eq!(kind.status.code(), Some(2));

    let socket = format!("unix:{}", path("mitm"));
    let (mitm, ready) = serving(ADVERSARY, &["mitm", "--listen", &socket, "--to", "127.0.0.1:9"]);
    assert_eq!(ready["address"], socket);
    let mut stream = socket.parse::<Address>().unwrap().connect().unwrap();
    stream.write_all(b"no TLS").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert (RFC 8446, 5.1)");
    end(mitm);
}

#[test]
fn helps_with_both_names_and_reports_a_closed_output() {
    for program in [KMS, PROXY, ADVERSARY] {
        let help = String::from_utf8(run(program, &["-h"]).stdout).unwrap();
        assert!(help.contains("  -h, --help  "), "{help}");
        let output = Command::new("sh").args(["-c", "exec \"$0\" --help >&-", program]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("Error: standard output"));
    }
}

#[test]
fn reports_addresses_files_and_roots_that_are_invalid() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().to_str().unwrap();
    fs::write(directory.path().join("bad.der"), b"no certificate").unwrap();
    let bad = format!("{state}/bad.der");
    let missing = format!("{state}/missing.der");
    let file = format!("unix:{bad}");
    for (arguments, says) in [
        (vec!["--listen", "0.0.0.0:0", "--state", state], "not a loopback address"),
        (vec!["--listen", "somewhere", "--state", state], "neither IP:PORT nor unix:PATH"),
        (vec!["--listen", "127.0.0.1:0", "--state", state, "--nsm-root", &bad], "not a certificate"),
        (vec!["--listen", "127.0.0.1:0", "--state", state, "--nsm-root", &missing], "No such file"),
        (vec!["--listen", "127.0.0.1:0", "--state", "/dev/null/x"], "/dev/null/x"),
        (vec!["--listen", "unix:/dev/null/x", "--state", state], "/dev/null/x"),
        (vec!["--listen", &file, "--state", state], "not a socket"),
    ] {
        let output = run(KMS, &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        // The parser of the arguments rejects a text that is not an address.
        let status = if error.contains("\nUsage: ") { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
}
