//! Handles SIGINT, SIGTERM and SIGHUP: removes temporary files, prints a message and ends the program.

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

/// The entry of a temporary file in the list of files that an interrupt removes. Dropping it removes the entry.
pub struct Registered(PathBuf);

/// Creates a temporary file that an interrupt removes until the second value is dropped.
///
/// The list is locked during the creation. An interrupt therefore cannot come between creation and registration.
///
/// # Errors
/// Those of `make`.
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

/// Starts the thread that ends the program at SIGINT, SIGTERM and SIGHUP.
///
/// The client records each step before it takes it. Running the same command again therefore continues the interrupted
/// one.
///
/// # Errors
/// [`Error::Io`] if the system refuses the signal handlers or the thread.
pub fn watch() -> Result<(), Error> {
    let failed = |error: io::Error| Error::io("watch signals in", Path::new("this process"), &error);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let ended = std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The lock is held until the program ends, so that no further file is created.
            let mut list = temporary();
            for path in list.drain(..) {
                let _ = std::fs::remove_file(path);
            }
            eprintln!("\nError: interrupted, and nothing was lost: run the same command again [interrupted]");
            // The signal's default action tells the shell how the program ended. If it fails, the status is 1.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(1);
        }
    });
    ended.map(drop).map_err(failed)
}
