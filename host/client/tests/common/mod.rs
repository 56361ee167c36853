//! Runs the built client in a folder of its own, and checks its failures.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod user;
pub mod vault;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A user of the client, with a folder of their own.
pub struct Person {
    _folder: TempDir,
    pub home: PathBuf,
}

impl Person {
    pub fn new() -> Self {
        let person = Self::without_identity();
        assert!(person.say(&["identity", "show"]).status.success());
        person
    }

    /// Their folder does not exist yet.
    pub fn without_identity() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        Self { _folder: folder, home }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capelet"));
        command.args(arguments).env("CAPELET_HOME", &self.home);
        command.env_remove("CAPELET_URL").env_remove("CAPELET_OUTPUT").stdin(Stdio::null());
        command
    }

    pub fn say(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Their owner's key, as text.
    pub fn owner(&self) -> String {
        let shown = capelet_json_schema::object(&self.say(&["identity", "show", "-o", "json"]).stdout);
        shown["owner"].as_str().unwrap().to_owned()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }
}

/// The codes of an invalid command line, after which the usage is printed and the exit status is 2.
const USAGE: [&str; 4] = ["usage", "bad-argument", "bad-pin", "bad-url"];

/// Asserts that the command failed with this code in the last line on stderr, and printed no result.
#[track_caller]
pub fn failed(output: &Output, code: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let is_usage = USAGE.contains(&code);
    let last = stderr.lines().nth_back(if is_usage { 2 } else { 0 }).unwrap_or_default();
    assert!(last.starts_with("Error: ") && last.ends_with(&format!("[{code}]")), "{code}: {stderr}");
    assert_eq!(output.status.code(), Some(1 + i32::from(is_usage)), "{stderr}");
    assert!(output.stdout.is_empty(), "{:?}", output.stdout);
}

/// Writes a file as the client writes its own.
pub fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}
