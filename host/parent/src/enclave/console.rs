//! The console of an enclave under QEMU.

use super::kept;
use super::printable::Printable;
use super::process::Process;
use super::state::State;
use capelet_parent::Error;
use std::io::{ErrorKind, Write, copy, stdout};
use std::time::Duration;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// Prints what the machine has printed and prints, until it ends. After the end it prints what was kept.
///
/// The text is escaped wherever it goes, because a pipe to `grep` or `tail` ends at a terminal as well. The file itself
/// has the bytes as they were.
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
        // Asked before reading: what is printed last is not missed.
        let living = machine.as_ref().map(Process::living).transpose()?.flatten();
        copy(&mut console, &mut out).and_then(|_| out.flush()).map_err(failed)?;
        let Some(living) = living else { return Ok(()) };
        living.ends_within(INTERVAL)?;
    }
}
