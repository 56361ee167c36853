//! Closed, full and unread streams, terminals, signals, and arguments that are not UTF-8. Nothing of it ends a command by
//! a panic, and no text of another party commands a terminal or begins a line.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use capelet_terminal::Terminal;
use common::vault::{ATTESTING, Vault};
use common::{Person, failed};
use enclave_core::encoding::hex;
use rustix::termios::{LocalModes, tcgetattr};
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs `capelet` by a shell, which applies `redirections`.
fn by_shell(person: &Person, arguments: &[&str], redirections: &str) -> Output {
    let capelet = person.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("\"$0\" \"$@\" {redirections}")]).arg(capelet).args(arguments);
    shell.env("CAPELET_HOME", &person.home).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_failed_write_to_standard_error_changes_nothing() {
    let person = Person::new();
    for redirection in ["2>/dev/full", "2>&-"] {
        assert_eq!(by_shell(&person, &["nonsense"], redirection).status.code(), Some(2));
        assert_eq!(by_shell(&person, &["verify", "none"], redirection).status.code(), Some(1));
        let made = by_shell(&person, &["-v", "contact", "add", "ann", &person.owner()], redirection);
        assert_eq!(made.status.code(), Some(0), "{redirection}");
        assert!(String::from_utf8_lossy(&made.stdout).contains("ann"));
    }
}

#[test]
fn a_result_that_cannot_be_printed_is_an_error() {
    let person = Person::new();
    let commands: [&[&str]; 4] =
        [&["version"], &["identity", "show", "-o", "json"], &["contact", "remove", "ann"], &["--help"]];
    person.say(&["contact", "add", "ann", &person.owner()]);
    for arguments in commands {
        failed(&by_shell(&person, arguments, ">&-"), "io");
        failed(&by_shell(&person, arguments, ">/dev/full"), "disk-full");
    }
    // The first attempt failed before it changed anything. The second one changed the address book.
    failed(&person.say(&["contact", "remove", "ann"]), "unknown-contact");
    let none = by_shell(&person, &["version"], ">&- 2>&- <&-");
    assert_eq!(none.status.code(), Some(1));
}

#[test]
fn closed_standard_output_is_reported_before_anything_changes() {
    let person = Person::new();
    person.say(&["contact", "add", "ann", &person.owner()]);
    let output = by_shell(&person, &["contact", "remove", "ann"], ">&-");
    failed(&output, "io");
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output is closed"));
    assert!(person.say(&["contact", "remove", "ann"]).status.success());
}

#[test]
fn closed_standard_input_is_no_empty_input() {
    let person = Person::new();
    let pin = format!("0:{}", "ab".repeat(48));
    let output = by_shell(&person, &["verify", "-", "-p", &pin], "<&-");
    failed(&output, "io");
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input is closed"));
    // Standard input is one stream. A second reader would find it empty.
    failed(&person.say(&["receipt", "verify", "-", "--result", "-"]), "bad-argument");
}

#[test]
fn a_reader_that_ends_early_gets_an_error_and_no_signal() {
    let person = Person::new();
    let mut child = person.command(&["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    // The help may have been written before the reader ended.
    assert!(status.signal().is_none(), "{status}");
    assert!(status.success() || stderr.contains("[io]"), "{stderr}");
}

#[test]
fn a_signal_that_nohup_ignores_stays_ignored() {
    let person = Person::new();
    let capelet = person.command(&[]).get_program().to_owned();
    // The command waits at its input, a FIFO. Its shell sends it SIGHUP and then lets it go on.
    let script = r#"
        cd "$CAPELET_HOME" && mkfifo fifo && trap '' HUP
        "$0" verify fifo -p "$1" & child=$!
        # The second thread waits for signals.
        until [ "$(ls /proc/$child/task | wc -l)" -gt 1 ]; do :; done
        kill -HUP $child
        timeout 60 sh -c 'echo text > fifo'
        wait $child"#;
    let pin = format!("0:{}", "ab".repeat(48));
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(capelet).arg(pin).env("CAPELET_HOME", &person.home);
    failed(&shell.output().unwrap(), "not-a-document");
}

/// A passphrase is typed without an echo. After the end of the command, the terminal shows again what is typed.
#[test]
fn a_command_that_is_ended_while_a_passphrase_is_typed_restores_the_terminal() {
    let person = Person::new();
    let Some(terminal) = Terminal::open() else { return };
    let kept = terminal.side();
    let echo = || tcgetattr(&kept).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(echo());
    let capelet = person.command(&[]).get_program().to_owned();
    // The shell outlives the command. The end of a session would reset its terminal.
    let script = r#"
        sh -c 'echo $$ > "$CAPELET_HOME/pid"; exec "$0" identity export x' "$0"
        echo > "$CAPELET_HOME/ended"; read line"#;
    let mut session = Command::new("setsid");
    session.args(["-c", "-w", "sh", "-c", script]).arg(capelet).env("CAPELET_HOME", &person.home);
    let mut child = session.stdin(terminal.side()).stdout(terminal.side()).stderr(terminal.side()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let wait = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(Instant::now() < until, "the command does not go on");
        }
    };
    wait(&|| !echo());
    let kill = Command::new("sh").args(["-c", "kill -TERM $(cat \"$0\")"]).arg(person.file("pid")).status();
    assert!(kill.unwrap().success());
    wait(&|| person.file("ended").exists());
    assert!(echo());
    terminal.press("\n");
    child.wait().unwrap();
}

#[test]
fn arguments_and_variables_that_are_not_utf8_are_refused_in_words() {
    let person = Person::new();
    let odd = OsStr::from_bytes(b"a\n\xff");
    for before in [&["checksum"][..], &["encrypt", "-f"], &["-u"], &[]] {
        let output = person.command(before).arg(odd).output().unwrap();
        failed(&output, "usage");
        assert!(String::from_utf8_lossy(&output.stderr).contains(r"the argument a\n\xff is not UTF-8"));
    }
    for name in ["CAPELET_URL", "CAPELET_OUTPUT"] {
        let output = person.command(&["attest"]).env(name, odd).output().unwrap();
        failed(&output, "bad-argument");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("{name} must be UTF-8")));
    }
    failed(&person.command(&["attest"]).env("CAPELET_URL", "\u{1b}[2K\n").output().unwrap(), "bad-url");
}

#[test]
fn a_folder_whose_name_is_not_utf8_works() {
    let person = Person::new();
    let folder = person.home.join(OsStr::from_bytes(b"home \xff\n"));
    for arguments in [&["identity", "show"][..], &["identity", "show"], &["key", "show"], &["config", "output", "json"]]
    {
        let output = person.command(arguments).env("CAPELET_HOME", &folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.iter().filter(|byte| **byte == b'\n').count() <= 3);
    }
    assert!(folder.join("identity.json").exists());
}

/// The lines of a command's output, none of which another party began.
fn lines(output: &Output) -> Vec<String> {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r', '\u{7f}']), "{text:?}");
    text.lines().map(str::to_owned).collect()
}

/// What a hostile party would like to show: it clears the line and begins one of its own.
const FORGED: &str = "x\u{1b}[2K\r\u{9b}1m\u{202e}\u{7f}\nRoot ➜  Amazon's";

#[test]
fn foreign_text_neither_commands_a_terminal_nor_begins_a_line() {
    let person = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::new(capelet::home::Home::at(person.home.clone()).unwrap().identity(|_| ()).unwrap(), FORGED);
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // The enclave chose its name.
    let (document, root) = (file("document", &vault.document(None)), file("root", vault.root.der()));
    let pin = format!("0:{}", hex(ATTESTING.as_bytes()));
    let verify = ["verify", &document, "-p", &pin, "--root", &root];
    let output = person.say(&verify);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = lines(&output);
    assert!(shown.iter().any(|line| line.starts_with("Enclave") && line.contains(r"x\u{1b}[2K\r")), "{shown:?}");
    assert_eq!(shown.iter().filter(|line| line.starts_with("Root")).count(), 1, "{shown:?}");
    let json = person.say(&[&verify[..], &["-o", "json"]].concat());
    assert_eq!(json.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    lines(&json);
    let object = capelet_json_schema::object(&json.stdout);
    assert!(object["module_id"].as_str().unwrap().starts_with(FORGED));

    // The maker of a function chose the names in it.
    let function = folder.path().join("function");
    fs::create_dir(&function).unwrap();
    let manifest = |entry: &str| serde_json::json!({"entry": entry, "kind": "reactor", "handler": FORGED}).to_string();
    for (manifest, name) in [(manifest(FORGED), "f"), (manifest("f"), FORGED), (FORGED.to_owned(), "f")] {
        fs::write(function.join("capelet.json"), manifest).unwrap();
        fs::write(function.join(name), "no module").unwrap();
        std::os::unix::fs::symlink("f", function.join(FORGED)).ok();
        let refused = person.say(&["checksum", function.to_str().unwrap(), "-o", "json"]);
        assert_eq!(lines(&refused).len(), 2, "{refused:?}");
        fs::remove_file(function.join(name)).ok();
    }
    // Options and paths come from scripts, which may take them from anywhere.
    for arguments in [
        &["checksum", FORGED][..],
        &["receipt", "show", FORGED],
        &["contact", "remove", FORGED],
        &["config", "url", FORGED],
        &["run", FORGED, "x", "--receipt", FORGED, "-u", FORGED],
        &[FORGED],
        &["version", FORGED],
    ] {
        let said = person.say(arguments);
        // The usage of an invalid command line has two lines.
        let expected = if said.status.code() == Some(2) { 3 } else { 1 };
        assert_eq!(lines(&said).len(), expected, "{arguments:?}");
    }
}
