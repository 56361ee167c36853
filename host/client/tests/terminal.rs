//! What people see on a terminal, and scripts do not.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use capelet_terminal::Terminal;
use common::Person;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const WARNING: &str = " other users of this machine can read arguments";

#[test]
fn warns_of_data_in_arguments_on_a_terminal_only() {
    let person = Person::new();
    for (arguments, is_data) in [
        (&["encrypt", "--any-function-of-owner", "my secret"][..], true),
        (&["run", "f", "my secret"], true),
        (&["encrypt", "--any-function-of-owner", "-"], false),
        (&["run", "f", "-"], false),
        (&["run", "f", "cape:AAAA"], false),
    ] {
        let piped = person.say(arguments);
        assert!(!String::from_utf8_lossy(&piped.stderr).contains(WARNING), "{arguments:?}");
        let Some(terminal) = Terminal::open() else { return };
        let (_, shown) = terminal.run(person.command(arguments));
        assert_eq!(shown.contains(WARNING), is_data, "{arguments:?}: {shown}");
    }
}

#[test]
fn colours_repeat_the_words_on_a_terminal_unless_they_are_unwanted() {
    const GREEN: &str = "\u{1b}[32m";
    const RED: &str = "\u{1b}[31mError:\u{1b}[0m";
    let person = Person::new();
    let vectors =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/attestation/2025-11-10-indefinite-map.cose");
    let pcr0 = "0:3aa0e6e6ed7d8301655fced7e6ddcc443a3e57bf62f070caa6becf337069e859c0f03d68136440ff1cab8adefd20634c";
    let verify = |pcr0: &str, variables: &[(&str, &str)]| {
        let mut command = person.command(&["verify", vectors, "-p", pcr0, "--at", "1762795210812"]);
        command.envs(variables.iter().copied()).env("TERM", "xterm");
        command
    };
    let text = |mut command: Command| {
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for wrong in [false, true] {
        let pcr0 = if wrong { format!("0:{}", "ab".repeat(48)) } else { pcr0.to_owned() };
        let colour = if wrong { RED } else { GREEN };
        let piped = text(verify(&pcr0, &[]));
        assert!(!piped.contains('\u{1b}'), "{piped}");
        let forced = text(verify(&pcr0, &[("CLICOLOR_FORCE", "1")]));
        assert!(forced.contains(colour), "{forced}");
        for (variables, coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
            let Some(terminal) = Terminal::open() else { return };
            let mut command = verify(&pcr0, variables);
            command.stdout(terminal.side());
            let (_, shown) = terminal.run(command);
            assert_eq!(shown.contains(colour), coloured, "{shown}");
            assert_eq!(shown.contains('\u{1b}'), coloured, "{shown}");
        }
        // Without colours, the words are the same.
        let mut plain = forced;
        for sequence in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[2m", "\u{1b}[0m"] {
            plain = plain.replace(sequence, "");
        }
        assert_eq!(plain, piped);
    }
}

#[test]
fn shows_what_takes_longer_than_a_second() {
    let person = Person::new();
    // Nobody accepts the connection, so that the handshake waits for its limit of time.
    let socket = person.file("nobody.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let url = format!("unix:{}", socket.display());
    assert!(person.say(&["pin", &url, "-p", &format!("0:{}", "ab".repeat(48))]).status.success());
    let attest = ["attest", "-u", &url, "--timeout", "3"];
    let piped = person.say(&attest);
    assert!(!String::from_utf8_lossy(&piped.stderr).contains("Connecting"), "{piped:?}");
    let Some(terminal) = Terminal::open() else { return };
    let (_, shown) = terminal.run(person.command(&attest));
    assert!(shown.contains(&format!("Connecting to {url}")), "{shown}");
}

#[test]
fn a_slow_input_shows_its_progress() {
    let person = Person::new();
    let _vault = common::vault::with_vault_key(&person.home, "unix:/enclave");
    let arguments = ["encrypt", "-", "-u", "unix:/enclave", "--out", "out"];
    let Some(terminal) = Terminal::open() else { return };
    let mut command = person.command(&arguments);
    command.current_dir(&person.home);
    let (input, mut writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::from(input));
    let feeding = thread::spawn(move || {
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(100));
            writer.write_all(&[7; 300_000]).unwrap();
        }
    });
    let (status, shown) = terminal.run(command);
    feeding.join().unwrap();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("Encrypting: ") && shown.contains("MiB, ") && shown.contains("/s"), "{shown}");
}
