//! The console of an enclave under QEMU.

use super::kept;
use super::printable::Printable;
use super::process::Process;
use super::state::State;
use capelet_parent::Error;
use std::io::{ErrorKind, Write, copy, stdout};
use std::time::Duration;

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(200);

/// Prints the machine's console until the machine ends. After its end, prints the console that was kept.
///
/// The text is always escaped, because a pipe to `grep` or `tail` ends at a terminal as well. The file itself has the
/// unescaped bytes.
pub fn follow(state: &State) -> Result<(), Error> {
    let machine = state.read()?.and_then(|record| record.processes.last().cloned());
    let path = state.console();
    let failed = |source| Error::File { path: path.clone(), source };
    let mut console = kept::open(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NoConsole(path.clone()),
        _ => failed(error),
    })?;
    let mut out = Printable::new(stdout());
    loop {
        // Checked before reading, so that the last bytes before the end are read.
        let living = machine.as_ref().map(Process::living).transpose()?.flatten();
        copy(&mut console, &mut out).and_then(|_| out.flush()).map_err(failed)?;
        let Some(living) = living else { return Ok(()) };
        living.ends_within(INTERVAL)?;
    }
}
