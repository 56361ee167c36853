//! SIGINT, SIGTERM, SIGHUP and a time limit: temporary files are removed, a message is printed, and the program ends.

use crate::streams;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;

static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn temporary() -> MutexGuard<'static, Vec<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entry of a temporary file in the list of files that an interrupt removes. Dropping it removes the entry.
pub(crate) struct Registered(PathBuf);

/// Creates a temporary file that an interrupt removes until the second value is dropped.
///
/// The list is locked during the creation. An interrupt therefore cannot come between creation and registration.
///
/// # Errors
/// Those of `make`.
pub(crate) fn removed_on_interrupt(
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

/// Those of `signals` that this process does not ignore. A process that `nohup` starts ignores SIGHUP, one that a script
/// starts in the background ignores SIGINT, and both stay so.
///
/// It must be called before a handler is set. If `/proc` cannot be read, no signal counts as ignored.
pub fn not_ignored(signals: &[c_int]) -> Vec<c_int> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    signals.iter().copied().filter(|signal| mask >> (signal - 1) & 1 == 0).collect()
}

/// Starts the thread that ends the program at SIGINT, SIGTERM and SIGHUP, unless the process ignores them. It prints
/// `message` first, and removes the temporary files.
///
/// # Errors
/// The operating system's error if it refuses the signal handlers or the thread.
pub fn watch(message: &'static str) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new(not_ignored(&[SIGINT, SIGTERM, SIGHUP]))?;
    let ended = std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(message, || {
                // The signal's default action tells the shell how the program ended.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            });
        }
    });
    ended.map(drop)
}

/// Starts the thread that ends the program with status 1 after `time`: it removes the temporary files, prints `message`,
/// and calls `report`. A stream that nobody reads does not delay the end by more than two seconds.
///
/// # Errors
/// The operating system's error if it refuses the thread.
pub fn end_after(time: Duration, message: String, report: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let ended = std::thread::Builder::new().name("time limit".into()).spawn(move || {
        std::thread::sleep(time);
        end(&message, || for_a_second(report));
    });
    ended.map(drop)
}

/// The settings of the user's terminal, which [`end`] restores until this value is dropped. A program that turns off the
/// echo holds it meanwhile. Otherwise the terminal would show nothing that is typed after an interrupt.
pub struct KeptTerminal(());

static TERMINAL: Mutex<Option<(File, Termios)>> = Mutex::new(None);

impl KeptTerminal {
    /// Reads the present settings. Without a terminal there is nothing to restore.
    pub fn new() -> Self {
        let opened = File::options().read(true).write(true).open("/dev/tty").ok();
        let kept = opened.and_then(|terminal| tcgetattr(&terminal).ok().map(|settings| (terminal, settings)));
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Self(())
    }
}

impl Default for KeptTerminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for KeptTerminal {
    fn drop(&mut self) {
        *TERMINAL.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Removes the temporary files, restores the terminal, prints `message`, calls `end`, and ends the program with status 1.
pub fn end(message: &str, end: impl FnOnce()) -> ! {
    // The lock is held until the program ends, so that no further file is created.
    let mut list = temporary();
    for path in list.drain(..) {
        let _ = std::fs::remove_file(path);
    }
    if let Some((terminal, settings)) = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        let _ = tcsetattr(terminal, OptionalActions::Now, settings);
    }
    let message = message.to_owned();
    for_a_second(move || {
        if streams::error_is_terminal() {
            // The cursor stands behind the `^C` that the terminal showed.
            streams::note_bytes(b"\n");
        }
        streams::note(&message);
    });
    end();
    std::process::exit(1)
}

/// Prints something, and waits for it for at most a second. Nobody may be reading the stream.
fn for_a_second(print: impl FnOnce() + Send + 'static) {
    let (printed, waiting) = std::sync::mpsc::channel();
    let started = std::thread::Builder::new().name("last words".into()).spawn(move || {
        print();
        let _ = printed.send(());
    });
    if started.is_ok() {
        let _ = waiting.recv_timeout(Duration::from_secs(1));
    }
}
