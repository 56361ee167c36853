//! Passphrases of exports: typed, generated, from standard input, and in files of others.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use capelet_terminal::Terminal;
use common::{Person, failed};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

/// `capelet` with these arguments and a terminal of its own, where what it asks is answered.
fn on(terminal: &Terminal, person: &Person, arguments: &[&str]) -> Command {
    let capelet = person.command(&[]);
    let mut session = Command::new("setsid");
    session.args(["-c", "-w"]).arg(capelet.get_program()).args(arguments).env("CAPELET_HOME", &person.home);
    session.stdin(terminal.side()).stdout(terminal.side());
    session
}

/// Runs a command with `input` on its standard input.
fn with_input(person: &Person, arguments: &[&str], input: &str) -> Output {
    let mut command = person.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_terminal_generates_a_passphrase_that_imports_the_export() {
    let (person, other) = (Person::new(), Person::without_identity());
    let Some(terminal) = Terminal::open() else { return };
    let export = person.file("export");
    let export = export.to_str().unwrap();
    let command = on(&terminal, &person, &["identity", "export", export]);
    terminal.press("\n");
    let (status, shown) = terminal.run(command);
    assert!(status.success() && shown.contains("leave empty to generate one"), "{shown}");
    let passphrase = shown.lines().find_map(|line| line.strip_prefix("Passphrase: ")).unwrap().trim();
    assert_eq!(passphrase.len(), 24, "{shown}");
    assert!(shown.contains("`capelet identity import` needs it"), "{shown}");

    let import = ["identity", "import", export, "--passphrase-file", "-"];
    failed(&with_input(&other, &import, &passphrase[1..]), "cannot-open");
    let imported = with_input(&other, &import, &format!("{passphrase}\nmore\n"));
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    assert_eq!(other.owner(), person.owner());
}

#[test]
fn no_passphrase_is_generated_that_nobody_would_see() {
    let person = Person::new();
    let Some(terminal) = Terminal::open() else { return };
    let mut command = on(&terminal, &person, &["identity", "export", "export"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir(&person.home);
    terminal.press("\n");
    failed(&command.output().unwrap(), "passphrase");
    assert!(!person.file("export").exists());
}

#[test]
fn a_short_passphrase_is_refused_before_it_is_typed_again() {
    let person = Person::new();
    let Some(terminal) = Terminal::open() else { return };
    let mut command = on(&terminal, &person, &["identity", "export", "export"]);
    command.current_dir(&person.home);
    terminal.press("elevencharx\n");
    let (status, shown) = terminal.run(command);
    assert!(!status.success() && shown.contains("12 characters") && shown.contains("[passphrase]"), "{shown}");
    assert!(!shown.contains("Repeat") && !person.file("export").exists(), "{shown}");
}

#[test]
fn a_passphrase_file_that_others_can_read_is_refused() {
    let person = Person::new();
    let (file, export) = (person.file("passphrase"), person.file("export"));
    fs::write(&file, "correct horse").unwrap();
    let (file, export) = (file.to_str().unwrap(), export.to_str().unwrap());
    for command in ["export", "import"] {
        let arguments = ["identity", command, export, "--passphrase-file", file];
        for mode in [0o640, 0o604, 0o622] {
            fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
            let person = if command == "import" { Person::without_identity() } else { Person::new() };
            let refused = person.say(&arguments);
            failed(&refused, "bad-permissions");
            let text = String::from_utf8_lossy(&refused.stderr);
            assert!(text.contains(&format!("run `chmod 0600 {file}`")), "{text}");
        }
    }
    // Nobody else reads from a pipe.
    let exported =
        with_input(&person, &["identity", "export", export, "--passphrase-file", "/dev/stdin"], "correct horse");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
}
