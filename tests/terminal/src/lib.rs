//! A pseudo-terminal for tests: what a program shows on it, and what a user types.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails at once")]

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, ExitStatus};
use std::thread;

/// A pseudo-terminal.
pub struct Terminal {
    user: File,
    path: String,
}

impl Terminal {
    /// Opens one. `None`, with a note, if this machine has no pseudo-terminals.
    pub fn open() -> Option<Self> {
        let Ok(user) = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY) else {
            println!("skipped: this machine has no pseudo-terminals");
            return None;
        };
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let path = ptsname(&user, Vec::new()).unwrap().into_string().unwrap();
        Some(Self { user: user.into(), path })
    }

    /// The program's side.
    pub fn side(&self) -> File {
        File::options().read(true).write(true).open(&self.path).unwrap()
    }

    /// Types a text.
    pub fn press(&self, keys: &str) {
        (&self.user).write_all(keys.as_bytes()).unwrap();
    }

    /// Runs a command whose standard error is this terminal, and returns everything that the terminal showed. `command`
    /// can have further streams on it.
    pub fn run(self, mut command: Command) -> (ExitStatus, String) {
        let kept = self.side();
        let mut child = command.stderr(self.side()).spawn().unwrap();
        drop(command);
        let mut user = self.user;
        // A terminal that nobody reads would stop the program.
        let reader = thread::spawn(move || {
            let mut shown = Vec::new();
            // Reading a terminal that nobody has open any more ends with an error.
            let _ = user.read_to_end(&mut shown);
            String::from_utf8_lossy(&shown).into_owned()
        });
        let status = child.wait().unwrap();
        drop(kept);
        (status, reader.join().unwrap())
    }
}
