//! The command line of `capelet-local`, as far as it refuses to start. Tests with running enclaves are in tests/e2e.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A core that is not there ends the start after the folder was opened, and before anything else is started.
fn local(home: &Path, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capelet-local"));
    command.arg("--home").arg(home).args(["--core", "/nonexistent/core", "--worker", "/nonexistent/worker"]);
    command.args(arguments).stdin(Stdio::null());
    command
}

fn error_of(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let mut lines = text.lines();
    let error = lines.next().unwrap_or_default().to_owned();
    assert!(error.starts_with("Error: ") && error.ends_with(']'), "without a code: {text}");
    // An invalid command line has a status of its own, and its usage follows in two lines.
    let is_usage = ["[usage]", "[not-local]", "[run-limit]"].iter().any(|code| error.ends_with(code));
    assert_eq!((lines.count(), output.status.code()), if is_usage { (2, Some(2)) } else { (0, Some(1)) }, "{text}");
    error
}

#[test]
fn refuses_a_folder_of_something_else_and_leaves_it_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("run/8000"), b"foreign").unwrap();
    let output = local(folder.path(), &[]).output().unwrap();
    let error = error_of(&output);
    assert!(error.contains("run") && error.contains("new folder"), "{error}");
    assert_eq!(fs::read(folder.path().join("run/8000")).unwrap(), b"foreign");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn refuses_a_store_of_something_else_before_it_makes_anything() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::create_dir(folder.path().join("store/mydata")).unwrap();
    let error = error_of(&local(folder.path(), &[]).output().unwrap());
    assert!(error.contains("contains mydata") && error.contains("[foreign-folder]"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path().join("store")).unwrap().count(), 1);
}

#[test]
fn says_that_its_home_is_not_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, b"kept").unwrap();
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for home in [&file, &link] {
        let error = error_of(&local(home, &[]).output().unwrap());
        assert!(error.contains("is not a folder") && error.contains("[file]"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn reports_invalid_arguments_as_json_and_lists_both_names_of_help() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["-o", "json", "--nope"][..], &["--nope", "--output=json"]] {
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        let output = local(folder.path(), &words).output().unwrap();
        let object = capelet_json_schema::object(&output.stdout);
        assert_eq!((&object["development"], &object["error"]["code"]), (&true.into(), &"usage".into()), "{object}");
        assert!(object["error"]["message"].as_str().unwrap().contains("--nope"), "{object}");
        assert!(error_of(&output).ends_with("[usage]"));
    }
    let output = local(folder.path(), &["--nope".as_ref()]).output().unwrap();
    assert!(output.stdout.is_empty());
    let help = String::from_utf8(local(folder.path(), &["-h".as_ref()]).output().unwrap().stdout).unwrap();
    assert!(help.contains("  -h, --help  ") && !help.contains("--help, help"), "{help}");
}

#[test]
fn refuses_invalid_values_before_it_makes_anything() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    for words in [["--listen", "192.0.2.1:5000"], ["--limit-run", "60001"]] {
        error_of(&local(&home, &words.map(OsStr::new)).output().unwrap());
        assert!(!home.exists());
    }
}

#[test]
fn escapes_the_names_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"a\x1b[2J\nError: forged\xff");
    fs::write(folder.path().join(name), b"").unwrap();
    let error = error_of(&local(folder.path(), &[]).output().unwrap());
    assert!(!error.trim_end().contains(|character: char| character.is_control()), "{error:?}");
}

#[test]
fn refuses_arguments_that_are_not_utf8_and_takes_help_as_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let error = error_of(&local(folder.path(), &[OsStr::from_bytes(b"--deployer=\xff")]).output().unwrap());
    assert!(error.contains("UTF-8"), "{error}");
    // A value that is the word `help` is a value.
    for option in ["--deployer", "--listen"] {
        let output = local(folder.path(), &[option.as_ref(), "help".as_ref()]).output().unwrap();
        assert!(output.stdout.is_empty());
        error_of(&output);
    }
}

#[test]
fn fails_in_order_without_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    // It was ended by SIGABRT when the write failed.
    let status = local(&folder.path().join("home"), &[]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let output = local(&folder.path().join("home"), &["-o".as_ref(), "json".as_ref()]).output().unwrap();
    assert!(capelet_json_schema::object(&output.stdout)["error"].is_object());
}

#[test]
fn finds_the_other_programs_where_an_installation_has_them() {
    // A link, because a program that was just written cannot be started while another test forks.
    let prefix = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (bin, libexec) = (prefix.path().join("bin"), prefix.path().join("libexec/capelet"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir_all(&libexec).unwrap();
    let program = bin.join("capelet-local");
    fs::hard_link(env!("CARGO_BIN_EXE_capelet-local"), &program).unwrap();
    let error = || {
        let mut command = Command::new(&program);
        let output = command.arg("--home").arg(prefix.path().join("home")).stdin(Stdio::null()).output().unwrap();
        error_of(&output)
    };
    for name in ["capelet-core-dev", "capelet-worker", "capelet-dev-kms"] {
        let error = error();
        assert!(error.contains(name) && error.contains("was not found"), "{error}");
        std::os::unix::fs::symlink("/bin/true", libexec.join(name)).unwrap();
    }
    // All were found: this KMS was started, and ended at once.
    assert!(error().contains("the development KMS"), "{}", error());
}
