//! The command `capelet-parent serve`: its help, its errors, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use capelet_parent::ServiceLimits;
use common::{PATIENCE, Process, accept, ask, binary, is_closed, wait_until_serving};
use enclave_core::parent::{Answer, Operation};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{ChildStderr, Command, Output, Stdio};
use std::time::Instant;

fn capelet_parent(words: &[&str]) -> Output {
    // A command that serves although it must refuse is ended by `timeout`, whose status (124) is not 1.
    let mut command = Command::new("timeout");
    command.arg(PATIENCE.as_secs().to_string()).arg(env!("CARGO_BIN_EXE_capelet-parent")).args(words);
    command.output().unwrap()
}

fn error_of(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(error.starts_with("Error: "), "{error}");
    // An invalid command line has a status of its own, and its usage follows.
    let status = if error.contains("]\nUsage: capelet-parent ") { 2 } else { 1 };
    assert_eq!(output.status.code(), Some(status), "{error}");
    error
}

#[test]
fn help_names_options_and_forms() {
    for (words, parts) in [
        (&[][..], &["serve", "Error:"][..]),
        (&["--help"], &["serve", "Error:"]),
        (&["serve", "--help"], &["--listen", "vsock:CID", "qemu:PATH", "unix:DIR", "nitro-cli", "--kms", "SIGTERM"]),
    ] {
        let output = capelet_parent(words);
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).unwrap();
        for part in parts {
            assert!(help.contains(part), "{part} is not in:\n{help}");
        }
    }
}

#[test]
fn rejects_invalid_arguments_with_code_and_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (store, unix, large) = (path("store"), format!("unix:{}", path("enclave")), path("large"));
    std::fs::write(&large, vec![0; 16_385]).unwrap();
    let (older, older_store) = (path("older"), path("older-store"));
    std::fs::write(&older, [&b"\x81\x58\x20"[..], &[0; 32]].concat()).unwrap();
    std::fs::create_dir_all(format!("{older_store}/01/owner")).unwrap();
    std::fs::write(format!("{older_store}/01/owner/object"), b"").unwrap();
    let (nowhere, missing) = (format!("{large}/below"), path("missing"));
    let good = ["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", &store];
    let also = |more: &[&str]| capelet_parent(&[&good[..], more].concat());
    for (output, code, advice) in [
        (capelet_parent(&["sreve"]), "[usage]", "sreve"),
        (capelet_parent(&["serve"]), "[usage]", "--enclave"),
        (capelet_parent(&["serve", "--enclave", &unix, "--store", &store]), "[nothing-to-listen-on]", "--listen"),
        (also(&["--listen", "example.org"]), "[usage]", "unix:PATH"),
        (also(&["--enclave=vsock:two"]), "[usage]", "duplicate"),
        (also(&["--region", "europe"]), "[usage]", "eu-central-1"),
        (also(&["--log=xml"]), "[usage]", "plain or json"),
        (also(&["--kms", "192.0.2.1:443"]), "[kms-not-local]", "127.0.0.1"),
        (also(&["--kms=127.0.0.1:1", "--region=eu-central-1"]), "[two-kms]", "leave out"),
        (also(&["--configuration", &large]), "[file-too-large]", "16384"),
        (also(&["--configuration", &missing]), "[file]", "check the name"),
        (also(&["--configuration", &older, "--deployers", &missing]), "[file]", "check the name"),
        (also(&["--configuration", &older, "--deployers", &older]), "[older-deployers]", "older layout"),
        (
            capelet_parent(&["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", &older_store]),
            "[store-layout]",
            "older",
        ),
        (also(&["--deployers", &large]), "[serve-arguments]", "--configuration"),
        (also(&["--credentials", &missing]), "[serve-arguments]", "--region"),
        (
            capelet_parent(&["serve", "--listen", &unix, "--per-address", "3", "--enclave", &unix, "--store", &store]),
            "[serve-arguments]",
            "--listen IP:PORT",
        ),
        (also(&["--per-address", "few"]), "[usage]", "few"),
        (also(&["--configuration", "-"]), "[serve-arguments]", "--configuration must be a file"),
        (also(&["--configuration", &older, "--deployers", "-"]), "[serve-arguments]", "--deployers must be a file"),
        (also(&["--kms=127.0.0.1:1", "--credentials=-"]), "[serve-arguments]", "--credentials must be a file"),
        // A value that is the word `help` is a value.
        (also(&["--configuration", "help"]), "[file]", "help"),
        (also(&["--connections", "0"]), "[limit]", "another number"),
        (also(&["--connections", "18446744073709551615"]), "[limit]", "ulimit"),
        (
            capelet_parent(&["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", &nowhere]),
            "[store]",
            "folder",
        ),
        (also(&["--listen", &format!("unix:{large}")]), "[listen]", "name another"),
    ] {
        let error = error_of(&output);
        assert!(error.contains(code) && error.contains(advice), "{code}, {advice}: {error}");
        let of_files = ["[file]", "[file-too-large]", "[older-deployers]", "[store]", "[store-layout]", "[listen]"];
        assert_eq!(output.status.code() == Some(2), !of_files.contains(&code), "{error}");
    }
}

#[test]
fn reports_every_error_as_json_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (store, unix) = (path("store"), format!("unix:{}", path("enclave")));
    let serve = ["serve", "--enclave", &unix, "--store", &store, "-o", "json"];
    let listen = ["--listen", "127.0.0.1:0"];
    for (words, command, code, status) in [
        (&["-o", "json", "sreve"][..], "capelet-parent", "usage", 2),
        (&["serve", "-o", "json"], "capelet-parent serve", "usage", 2),
        (&["serve", "--output=json", "--log", "xml"], "capelet-parent serve", "usage", 2),
        (&serve, "capelet-parent serve", "nothing-to-listen-on", 2),
        (&[&serve[..], &listen, &["--configuration", "/missing"]].concat(), "capelet-parent serve", "file", 1),
        (&["configure", "--key", "x", "--to", "c", "-ojson"], "capelet-parent configure", "key", 2),
        (&["enclave", "terminate", "-o", "json"], "capelet-parent enclave terminate", "enclave-arguments", 2),
        (&["enclave", "describe", "--state", &path("nowhere")], "capelet-parent enclave describe", "file", 1),
    ] {
        let output = capelet_parent(words);
        assert_eq!(output.status.code(), Some(status), "{words:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let object = capelet_json_schema::object(text.as_bytes());
        assert_eq!((&object["command"], &object["error"]["code"]), (&command.into(), &code.into()), "{text}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(&format!(" [{code}]\n")), "{error}");
        assert_eq!(error.contains(&format!("\nUsage: {command} ")), status == 2, "{error}");
    }
}

/// Credentials that are read for the first time when the enclave needs them would fail hours after the start.
#[test]
fn refuses_credentials_at_the_start_that_it_would_refuse_at_their_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (unix, store, file) = (format!("unix:{}", path("enclave")), path("store"), path("credentials"));
    let good = r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#;
    let twice = r#"{"AccessKeyId":"A","SecretAccessKey":"s","SecretAccessKey":"t"}"#;
    for (content, mode, code) in
        [(good, 0o644, "[not-private]"), (twice, 0o600, "[credentials]"), ("", 0o600, "[credentials]")]
    {
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let words = ["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", &store];
        let error =
            error_of(&capelet_parent(&[&words[..], &["--kms", "127.0.0.1:1", "--credentials", &file]].concat()));
        assert!(error.contains(code) && error.contains(&file), "{code}: {error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was made");
}

#[test]
fn says_that_a_file_stands_in_place_of_a_socket_or_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, fifo, link) = (path("file"), path("fifo"), path("link"));
    std::fs::write(&file, b"kept").unwrap();
    nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let (unix, store) = (format!("unix:{}", path("enclave")), path("store"));
    for taken in [&file, &fifo, &link] {
        let listen = format!("unix:{taken}");
        let error = error_of(&capelet_parent(&["serve", "--listen", &listen, "--enclave", &unix, "--store", &store]));
        assert!(error.contains("[listen]") && error.contains("not a socket"), "{error}");
        assert!(!error.contains("end the program"), "{error}");
        let words = ["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", taken];
        let error = error_of(&capelet_parent(&words));
        assert!(error.contains("[store]") && error.contains("not a directory"), "{error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
}

fn spawn(folder: &Path, more: &[&str]) -> Process {
    let process = Process(binary(folder).args(more).stderr(Stdio::piped()).spawn().unwrap());
    wait_until_serving(&folder.join("enclave"));
    process
}

fn signal(process: &Process, name: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {}", process.0.id())]).status().unwrap().success());
}

/// The log, line by line.
struct Lines(BufReader<ChildStderr>);

impl Lines {
    fn of(process: &mut Process) -> Self {
        Self(BufReader::new(process.0.stderr.take().unwrap()))
    }

    /// Reads on to the line of this event.
    fn wait_for(&mut self, event: &str) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "no {event}");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }
}

/// A parent with one connected client: the client's end and the enclave's end.
fn with_a_client(folder: &Path) -> (Process, Lines, TcpStream, UnixStream) {
    let mut process = spawn(folder, &[]);
    let listener = UnixListener::bind(folder.join("enclave/5000")).unwrap();
    let mut log = Lines::of(&mut process);
    let serving = log.wait_for("serving");
    let client = TcpStream::connect(serving["addresses"][0].as_str().unwrap()).unwrap();
    let inside = accept(&listener);
    (process, log, client, inside)
}

#[test]
fn rejects_a_store_that_another_process_uses() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _first = spawn(first.path(), &[]);
    let store = first.path().join("store").display().to_string();
    let unix = format!("unix:{}", second.path().join("enclave").display());
    let words = ["serve", "--listen", "127.0.0.1:0", "--enclave", &unix, "--store", &store];
    assert!(error_of(&capelet_parent(&words)).contains("[store-in-use]"));
}

/// What one attempt to end a parent showed.
enum Attempt {
    /// What the test is about.
    Conclusive,
    /// Nothing: the grace of the command, which the test cannot lengthen, was over before the test could act. The
    /// signal was sent no earlier than at this time.
    GraceOver(Instant),
}

/// Makes attempts until one is conclusive. On a busy host the first one may not be.
fn until_conclusive(attempt: impl Fn(&Path) -> Attempt) {
    let until = Instant::now() + PATIENCE;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let Attempt::GraceOver(signalled) = attempt(folder.path()) else { return };
        assert!(signalled.elapsed() >= ServiceLimits::default().grace, "it ended before its grace was over");
        assert!(Instant::now() < until, "the grace was over in every attempt");
    }
}

#[test]
fn the_first_signal_lets_a_transfer_finish() {
    for name in ["TERM", "INT"] {
        until_conclusive(|folder| {
            let enclave = folder.join("enclave");
            let (mut process, mut log, mut client, mut inside) = with_a_client(folder);
            let signalled = Instant::now();
            signal(&process, name);
            log.wait_for("ending");
            let sent = inside.write_all(&[5; 100_000]);
            drop(inside);
            let mut got = Vec::new();
            let received = client.read_to_end(&mut got);
            drop(client);
            let ended = log.wait_for("ended");
            assert_eq!(process.0.wait().unwrap().code(), Some(0));
            assert!(!enclave.join("8000").exists() && !enclave.join("8001").exists(), "the sockets are still there");
            if ended["cut_off"] == true {
                return Attempt::GraceOver(signalled);
            }
            assert!(sent.is_ok() && received.is_ok());
            assert_eq!(got.len(), 100_000);
            Attempt::Conclusive
        });
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    until_conclusive(|folder| {
        let (mut process, mut log, mut client, _inside) = with_a_client(folder);
        let signalled = Instant::now();
        signal(&process, "TERM");
        log.wait_for("ending");
        signal(&process, "TERM");
        // The status tells the two ends apart: 1 after a second signal, 0 after the grace.
        let code = process.0.wait().unwrap().code();
        if code == Some(0) {
            return Attempt::GraceOver(signalled);
        }
        assert_eq!(code, Some(1));
        assert!(is_closed(&mut client));
        Attempt::Conclusive
    });
}

#[test]
fn passes_files_to_the_enclave_and_logs_no_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let configuration = file("configuration", b"\x00\xff as it is\n");
    let deployers = file("deployers", b"list");
    let credentials = file("credentials", br#"{"AccessKeyId":"AKID","SecretAccessKey":"hidden"}"#);
    std::fs::set_permissions(&credentials, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let words = ["--configuration", &configuration, "--deployers", &deployers, "--credentials", &credentials];
    let mut process = spawn(folder.path(), &[&words[..], &["--region", "eu-central-1", "--log", "plain"]].concat());
    let enclave = folder.path().join("enclave");
    let boot = ask(&enclave, &Operation::Boot).unwrap();
    assert!(boot == Answer::Boot(b"\x00\xff as it is\n".to_vec(), Some(b"list".to_vec())));
    let Answer::Credentials(found) = ask(&enclave, &Operation::Credentials("eu-central-1")).unwrap() else { panic!() };
    assert_eq!(found.secret_access_key.as_str(), "hidden");
    signal(&process, "TERM");
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("info serving") && log.contains("operation=\"credentials\""), "{log}");
    assert!(!log.contains("hidden") && !log.contains("AKID"));
}

/// Standard error is a pipe. Its reader reads nothing at first, so that 64 KiB of log fill it.
#[test]
fn a_blocked_reader_of_the_log_stops_nobody() {
    const OPERATIONS: usize = 1500;
    let folder = tempfile::tempdir().unwrap();
    let mut process = spawn(folder.path(), &[]);
    let enclave = folder.path().join("enclave");
    for _ in 0..OPERATIONS {
        assert!(matches!(ask(&enclave, &Operation::Boot).unwrap(), Answer::Boot(..)));
    }
    // Nor does it keep the process from ending. What it did not read in time is lost.
    signal(&process, "TERM");
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    // Pages of the pipe may lack a few bytes.
    assert!(log.len() > 60_000, "the log did not fill the pipe: {} bytes", log.len());
}

#[test]
fn serves_on_without_anybody_who_reads_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let enclave = folder.path().join("enclave");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let closed = ["-c", "exec \"$@\" 2>&-", "sh"];
    for (name, stderr) in [("closed", Stdio::inherit()), ("full", full.into()), ("without a reader", Stdio::piped())] {
        let program = binary(folder.path());
        let mut command = if name == "closed" { Command::new("sh") } else { Command::new("env") };
        command.args(closed.iter().filter(|_| name == "closed")).arg(program.get_program()).args(program.get_args());
        let mut process = Process(command.stderr(stderr).spawn().unwrap());
        drop(process.0.stderr.take());
        wait_until_serving(&enclave);
        for _ in 0..3 {
            assert!(matches!(ask(&enclave, &Operation::Boot).unwrap(), Answer::Boot(..)), "{name}");
        }
        signal(&process, "TERM");
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn refuses_arguments_that_are_not_utf8_and_escapes_names() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-parent"));
    command.arg("serve").arg(std::ffi::OsStr::from_bytes(b"--store=\xff\x1b[2J"));
    let error = error_of(&command.output().unwrap());
    assert!(error.contains("UTF-8") && !error.contains('\x1b'), "{error:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{1b}[2J\nPCR0 \u{202e}");
    let error = error_of(&capelet_parent(&["enclave", "run", path.to_str().unwrap()]));
    assert_eq!(error.trim_end().lines().count(), 1, "{error:?}");
    assert!(!error.trim_end().contains(['\x1b', '\u{202e}']), "{error:?}");
}

/// `nohup` ignores SIGHUP, and a shell without job control ignores SIGINT for what it starts in the background.
#[test]
fn keeps_on_ignoring_the_signals_that_were_ignored_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let program = binary(folder.path());
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT HUP; exec \"$@\"", "sh"]).arg(program.get_program()).args(program.get_args());
    let mut process = Process(command.stderr(Stdio::null()).spawn().unwrap());
    let enclave = folder.path().join("enclave");
    wait_until_serving(&enclave);
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let mask = |name: &str| {
        let digits = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(digits.trim(), 16).unwrap()
    };
    // Bit N - 1 stands for signal N: 1 is SIGHUP, 2 SIGINT, 15 SIGTERM.
    assert_eq!(mask("SigIgn:") & 0b11, 0b11);
    assert_eq!((mask("SigCgt:") & 0b11, mask("SigCgt:") >> 14 & 1), (0, 1));
    for name in ["INT", "HUP"] {
        signal(&process, name);
        assert!(matches!(ask(&enclave, &Operation::Boot).unwrap(), Answer::Boot(..)));
    }
    signal(&process, "TERM");
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
}

/// A terminal that is closed ends it in order too.
#[test]
fn ends_in_order_at_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = spawn(folder.path(), &[]);
    signal(&process, "HUP");
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
    assert!(!folder.path().join("enclave/8000").exists());
}
