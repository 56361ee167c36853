//! Every option of every command is used or refused. A command line with an option that the command ignores would tell
//! its user that something was done which was not.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use argh::{ArgsInfo as _, CommandInfoWithArgs};
use capelet::cli::args::capelet::Capelet;
use common::Person;
use common::vault::{ATTESTING, with_vault_key};
use enclave_core::encoding::hex;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

/// Nothing listens there.
const URL: &str = "unix:/nobody/is/asked";

/// What shows that a command uses an option.
enum Shown {
    /// The command with the option ends with this code, and without it with another one.
    Code(&'static str),
    /// The command with the option succeeds and prints this, which it does not print without it.
    Prints(&'static str),
    /// Another test, which has this name, because the option takes effect only in a session or after other steps.
    Test(&'static str),
}

use Shown::{Code, Prints, Test};

/// A command, and a line without options that it takes. `(…)` stands for a value of [`values`].
const LINES: [(&str, &str); 22] = [
    ("pin", "capelet://a"),
    ("attest", ""),
    ("pcrs", ""),
    ("verify", "(document) -p 0:(pcr0) --root (root)"),
    ("checksum", "(function)"),
    ("deploy", "(module)"),
    ("run", "f x --function-checksum (checksum)"),
    ("encrypt", "x"),
    ("key create", ""),
    ("key renew", ""),
    ("key show", ""),
    ("contact add", "bob (owner)"),
    ("contact fetch", "ann"),
    ("contact list", ""),
    ("contact remove", "ann"),
    ("list", ""),
    ("delete", "(id)"),
    ("receipt verify", "(junk)"),
    ("receipt disclose", "(junk) --out (home)/copy"),
    ("receipt show", "(junk)"),
    ("identity show", ""),
    ("identity export", "(home)/export --passphrase-file (passphrase)"),
];
/// The commands whose lines have no options of their own.
const MORE_LINES: [(&str, &str); 4] =
    [("identity import", "(junk) --passphrase-file (passphrase)"), ("config", ""), ("doctor", ""), ("version", "")];

/// A command, its option, the words to add to the command's line, and what shows that the option is used. `=` before the
/// words says that they replace the line.
const OPTIONS: [(&str, &str, &str, Shown); 62] = [
    ("pin", "--measurements", "--measurements none", Code("no-such-file")),
    ("pin", "--eif", "--eif none", Code("no-such-file")),
    ("pin", "--pcr", "-p 0:00", Code("bad-pin")),
    ("pin", "--root", "-p 0:(pcr0) --root none", Code("no-such-file")),
    ("pin", "--development", "=--development unix:/nobody/else", Code("unreachable")),
    ("pin", "--add", "=(url) -p 0:(other) --add", Prints("0101010101")),
    ("pin", "--replace", "=(url) -p 0:(other) --yes --replace", Prints("Amazon's")),
    ("pin", "--yes", "=(url) -p 0:(other) --replace --yes", Prints("Amazon's")),
    ("pin", "--revoke", "=(url) --revoke (pcr0)", Prints("Revoked")),
    ("verify", "--pcr", "=(document) --root (root) -p 0:(other)", Code("pcr-mismatch")),
    ("verify", "--root", "=(document) -p 0:(pcr0) --root none", Code("no-such-file")),
    ("verify", "--at", "--at 1", Code("not-yet-valid")),
    ("verify", "--max-age", "--at 9999999999999 --max-age 1", Code("expired")),
    ("verify", "--nonce", "--nonce 00", Code("nonce-mismatch")),
    ("deploy", "--name", "-n 1", Code("bad-argument")),
    ("deploy", "--blind", "--blind", Code("bad-argument")),
    ("deploy", "--key", "--key arn", Code("usage")),
    ("deploy", "--key-policy-checksum", "--key-policy-checksum 00", Code("bad-argument")),
    ("deploy", "--accept", "--accept all", Code("bad-argument")),
    ("run", "--file", "=f -f none", Code("no-such-file")),
    ("run", "--function-checksum", "=f x --function-checksum 00", Code("bad-argument")),
    ("run", "--function-version", "", Test("options_of_a_session_take_effect")),
    ("run", "--plain", "=f --function-checksum (checksum) --plain -f (looks-encrypted)", Code("unreachable")),
    ("run", "--ciphertext", "--ciphertext", Code("malformed")),
    ("run", "--key-policy-checksum", "--key-policy-checksum 00", Code("bad-argument")),
    ("run", "--receipt", "--receipt none/receipt", Code("no-such-file")),
    ("encrypt", "--to", "--to nobody", Code("unknown-contact")),
    ("encrypt", "--for", "--for 00", Code("bad-argument")),
    ("encrypt", "--any-function-of-owner", "--for (checksum) --any-function-of-owner", Code("bad-argument")),
    ("encrypt", "--file", "=-f none", Code("no-such-file")),
    ("encrypt", "--out", "--out none/out", Code("no-such-file")),
    ("encrypt", "--accept", "--accept all", Code("bad-argument")),
    ("encrypt", "--max-age", "--max-age 0", Code("expired")),
    ("key create", "--next-epoch", "", Test("vault_keys_are_created_renewed_and_decrypt_after_a_restart")),
    ("key create", "--accept", "--accept all", Code("bad-argument")),
    ("key renew", "--accept", "--accept all", Code("bad-argument")),
    ("contact add", "--fingerprint", "--fingerprint x", Code("fingerprint-differs")),
    ("list", "--limit", "", Test("options_of_a_session_take_effect")),
    ("list", "--offset", "", Test("options_of_a_session_take_effect")),
    ("delete", "--function-version", "", Test("options_of_a_session_take_effect")),
    ("delete", "--yes", "", Test("a_function_is_deleted_only_if_that_was_confirmed")),
    ("receipt verify", "--result", "--result none", Code("no-such-file")),
    ("receipt verify", "--input", "--input none", Code("no-such-file")),
    ("receipt verify", "--pcr", "-p 0:00", Code("bad-pin")),
    ("receipt verify", "--root", "-p 0:(pcr0) --root none", Code("no-such-file")),
    ("receipt verify", "--development", "", Test("receipts_are_judged_as_their_reader_demands")),
    ("receipt verify", "--allow-failed", "", Test("a_failed_run_has_a_code_and_a_receipt")),
    ("receipt verify", "--plain", "--plain", Code("bad-argument")),
    ("receipt verify", "--ciphertext", "--ciphertext", Code("bad-argument")),
    ("receipt verify", "--function", "--function 00", Code("bad-argument")),
    ("receipt verify", "--function-checksum", "--function-checksum 00", Code("bad-argument")),
    ("receipt verify", "--caller", "--caller nobody", Code("unknown-contact")),
    ("receipt disclose", "--out", "=(junk)", Code("usage")),
    ("receipt disclose", "--result", "", Test("only_the_named_function_decrypts_and_its_receipt_proves_it")),
    ("receipt disclose", "--input", "", Test("only_the_named_function_decrypts_and_its_receipt_proves_it")),
    ("receipt disclose", "--ciphertext", "", Test("only_the_named_function_decrypts_and_its_receipt_proves_it")),
    ("identity export", "--passphrase-file", "=(home)/export --passphrase-file none", Code("no-such-file")),
    ("identity export", "--force", "=(junk) --passphrase-file (passphrase) --force", Prints("Exported")),
    ("identity import", "--passphrase-file", "", Test("prints_what_the_data_files_say")),
    ("config", "", "url capelet://b", Prints("capelet://b:5000")),
    ("doctor", "--offline", "--offline", Prints("because of --offline")),
    ("version", "", "-o json", Prints("{")),
];

/// The commands that use no enclave and therefore refuse `-u`.
const WITHOUT_URL: [&str; 13] = [
    "verify",
    "checksum",
    "key show",
    "contact add",
    "contact list",
    "contact remove",
    "receipt disclose",
    "receipt show",
    "identity show",
    "identity export",
    "identity import",
    "config",
    "version",
];

/// A user with pins, a contact and a vault key, and the values of a line.
fn prepared() -> (Person, BTreeMap<&'static str, String>) {
    let person = Person::new();
    let vault = with_vault_key(&person.home, URL);
    let owner = person.owner();
    assert!(person.say(&["contact", "add", "ann", &owner]).status.success());
    let file = |name: &str, bytes: &[u8]| {
        fs::write(person.file(name), bytes).unwrap();
        fs::set_permissions(person.file(name), Permissions::from_mode(0o600)).unwrap();
        person.file(name).to_str().unwrap().to_owned()
    };
    let function = person.file("function");
    fs::create_dir(&function).unwrap();
    fs::write(function.join("capelet.json"), r#"{"entry":"f.wasm"}"#).unwrap();
    fs::write(function.join("f.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let values = BTreeMap::from([
        ("(home)", person.home.to_str().unwrap().to_owned()),
        ("(url)", URL.to_owned()),
        ("(owner)", owner),
        ("(pcr0)", hex(ATTESTING.as_bytes())),
        ("(other)", "02".repeat(48)),
        ("(checksum)", "12".repeat(32)),
        ("(id)", "34".repeat(16)),
        ("(document)", file("document", &vault.document(None))),
        ("(root)", file("root", vault.root.der())),
        ("(junk)", file("junk", b"junk")),
        ("(looks-encrypted)", file("looks-encrypted", b"cape:?")),
        ("(passphrase)", file("passphrase", b"correct horse")),
        ("(module)", file("f.wasm", b"\0asm\x01\0\0\0")),
        ("(function)", function.to_str().unwrap().to_owned()),
    ]);
    (person, values)
}

/// Runs a command in a new folder.
fn run(command: &str, line: &str) -> Output {
    let (person, values) = prepared();
    run_as(&person, &values, command, line)
}

fn run_as(person: &Person, values: &BTreeMap<&str, String>, command: &str, line: &str) -> Output {
    let mut words = format!("{command} {line}");
    for (name, value) in values {
        words = words.replace(name, value);
    }
    let words: Vec<_> = words.split_whitespace().collect();
    person.command(&words).current_dir(&person.home).output().unwrap()
}

/// The code of a failure, or the empty string.
fn code(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    // Behind an invalid command line, its usage follows.
    let sentence = stderr.lines().rfind(|line| line.starts_with("Error: ")).filter(|_| !output.status.success());
    sentence.unwrap_or_default().rsplit_once('[').map_or("", |(_, code)| code.trim_end_matches(']')).to_owned()
}

fn line(command: &str) -> &'static str {
    let lines = LINES.iter().chain(&MORE_LINES);
    lines.clone().find(|(name, _)| *name == command).unwrap_or_else(|| panic!("no line for {command}")).1
}

/// Each command without subcommands: its words, and the long names of its options.
fn commands(info: &CommandInfoWithArgs, words: &str, found: &mut BTreeMap<String, Vec<String>>) {
    if info.commands.is_empty() {
        let options = info.flags.iter().map(|flag| flag.long.to_owned());
        found.insert(words.to_owned(), options.collect());
    }
    for inner in &info.commands {
        commands(&inner.command, format!("{words} {}", inner.name).trim(), found);
    }
}

fn all_commands() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    commands(&Capelet::get_args_info(), "", &mut found);
    found
}

#[test]
fn the_table_has_every_option_of_every_command() {
    const EVERYWHERE: [&str; 6] = ["--url", "--output", "--verbose", "--timeout", "--retry", "--help"];
    let mut wanted = Vec::new();
    for (command, options) in all_commands() {
        line(&command);
        let own = options.into_iter().filter(|option| !EVERYWHERE.contains(&option.as_str()));
        wanted.extend(own.map(|option| (command.clone(), option)));
    }
    let listed = OPTIONS.iter().filter(|(_, option, ..)| !option.is_empty());
    let mut listed: Vec<_> = listed.map(|(command, option, ..)| (command.to_string(), option.to_string())).collect();
    wanted.sort();
    listed.sort();
    assert_eq!(listed, wanted);
}

#[test]
fn every_option_of_a_command_changes_what_it_does() {
    let files = ["tests", "../../tests/e2e/tests"].map(|folder| fs::read_dir(folder).unwrap()).into_iter().flatten();
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let tests: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    for (command, option, words, shown) in &OPTIONS {
        let bare = line(command);
        let with = match words.strip_prefix('=') {
            Some(line) => line.to_owned(),
            None => format!("{bare} {words}"),
        };
        let without = match *option {
            // What the option adds is seen beside the same line without it.
            "--add" | "--replace" | "--force" | "--plain" | "--yes" => with.replace(option, ""),
            _ => bare.to_owned(),
        };
        match shown {
            Test(name) => assert!(tests.contains(&format!("fn {name}(")), "{name}"),
            Code(expected) => {
                let output = run(command, &with);
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert_eq!(code(&output), *expected, "{command} {with}: {stderr}");
                let same = run(command, &without);
                assert_ne!(String::from_utf8_lossy(&same.stderr), stderr, "{command} {without}");
            }
            Prints(text) => {
                let output = run(command, &with);
                let stdout = String::from_utf8_lossy(&output.stdout);
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && stdout.contains(text), "{command} {with}: {stdout}{stderr}");
                let same = run(command, &without);
                assert!(!String::from_utf8_lossy(&same.stdout).contains(text), "{command} {without}");
            }
        }
    }
}

#[test]
fn every_command_uses_or_refuses_the_options_of_all_commands() {
    // Every line is refused, so that the folder stays as it is.
    let (person, values) = prepared();
    let run = |command: &str, line: &str| run_as(&person, &values, command, line);
    for command in all_commands().keys() {
        let line = line(command);
        assert_eq!(code(&run(command, &format!("{line} -o yaml"))), "bad-argument", "{command}");
        assert_eq!(code(&run(command, &format!("{line} --timeout 0"))), "bad-argument", "{command}");
        // The first two read pins and do not connect. `doctor` reports what does not work now.
        let refused =
            ["pin", "receipt verify", "doctor"].contains(&command.as_str()) || WITHOUT_URL.contains(&command.as_str());
        let words = if refused { "--retry 1" } else { "--retry 1 -u https://a" };
        let output = run(command, &format!("{line} {words}"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.contains(&format!("`capelet {command}` does not use --retry")), refused, "{stderr}");
        let output = run(command, &format!("{line} -u https://a"));
        let refused = WITHOUT_URL.contains(&command.as_str());
        let stderr = String::from_utf8_lossy(&output.stderr);
        // `pin` has an address in its line. Two are one too many.
        let expected = if refused || command == "pin" { "bad-argument" } else { "bad-url" };
        assert_eq!(code(&output), expected, "{command}: {stderr}");
        assert_eq!(stderr.contains(&format!("`capelet {command}` does not use -u")), refused, "{stderr}");
    }
}
