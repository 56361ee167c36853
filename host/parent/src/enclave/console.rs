//! The console of a development image under QEMU.

use super::process::Process;
use super::state::State;
use capelet_parent::Error;
use std::fs::File;
use std::io::{copy, stdout};
use std::time::Duration;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// Prints what the image has printed and prints, until it ends.
pub fn follow(state: &State) -> Result<(), Error> {
    let record = state.read()?.ok_or_else(|| Error::NoEnclave(state.vsock().display().to_string()))?;
    if !record.development {
        return Err(Error::NotDevelopment);
    }
    let path = state.console();
    let failed = |source| Error::File { path: path.clone(), source };
    let mut console = File::open(&path).map_err(failed)?;
    loop {
        // Asked before reading: what is printed last is not missed.
        let machine = record.processes.last().map(Process::living).transpose()?.flatten();
        copy(&mut console, &mut stdout().lock()).map_err(failed)?;
        let Some(machine) = machine else { return Ok(()) };
        machine.ends_within(INTERVAL)?;
    }
}
