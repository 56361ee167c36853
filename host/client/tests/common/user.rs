//! A user whose folders no variable but `HOME` names, so that configuration, data and state lie apart.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The three folders, below the user's home.
pub const FOLDERS: [&str; 3] = [".config/capelet", ".local/share/capelet", ".local/state/capelet"];

/// The user, with their home.
pub struct User(pub TempDir);

impl User {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path below the user's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_capelet"));
        command.env_clear().env("HOME", self.0.path()).args(arguments).stdin(Stdio::null());
        command
    }
    pub fn say(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.say(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}
