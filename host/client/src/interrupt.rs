//! Ctrl-C: what was acknowledged stays, half-written files go, and the terminal is told.

use crate::error::Error;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds a temporary file's place in the list of those that an interrupt removes.
pub struct Registered(PathBuf);

/// Makes a file that is removed should the program be interrupted before the second value is dropped. An interrupt
/// comes before the file is made or finds it in the list, never between.
pub fn removed_on_interrupt(
    make: impl FnOnce() -> io::Result<NamedTempFile>,
) -> io::Result<(NamedTempFile, Registered)> {
    let mut list = temporary();
    let file = make()?;
    let path = file.path().to_owned();
    list.push(path.clone());
    Ok((file, Registered(path)))
}

impl Drop for Registered {
    fn drop(&mut self) {
        temporary().retain(|path| *path != self.0);
    }
}

/// Ends the program in good order at SIGINT, SIGTERM and SIGHUP. States are written before each step that another
/// party sees, so that saying the same again takes up where this ended.
pub fn watch() -> Result<(), Error> {
    let failed = |error: io::Error| Error::io("watch signals in", Path::new("this process"), &error);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let ended = std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Held to the end: nothing more is made.
            let mut list = temporary();
            for path in list.drain(..) {
                let _ = std::fs::remove_file(path);
            }
            eprintln!("\nError: interrupted, nothing is lost: say the same again [interrupted]");
            // Ends as the shell expects of that signal; if it cannot, as any failure.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(1);
        }
    });
    ended.map(drop).map_err(failed)
}
