//! The console of an enclave under QEMU.

use super::kept;
use super::printable::Printable;
use super::process::Process;
use super::state::State;
use capelet_cli::streams;
use capelet_parent::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

/// How often the file is read.
const INTERVAL: Duration = Duration::from_millis(200);

/// Prints what the file has now. The outer error is that of reading.
fn show(console: &mut impl Read, out: &mut impl Write) -> io::Result<Result<(), Error>> {
    let mut buffer = vec![0; 65_536];
    loop {
        let length = console.read(&mut buffer)?;
        if length == 0 {
            return Ok(Ok(()));
        }
        if let Err(error) = out.write_all(&buffer[..length]).and_then(|()| out.flush()) {
            return Ok(Err(Error::Output(error)));
        }
    }
}

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
    let mut out = Printable::new(streams::Output);
    loop {
        // Checked before reading, so that the last bytes before the end are read.
        let living = machine.as_ref().map(Process::living).transpose()?.flatten();
        show(&mut console, &mut out).map_err(failed)??;
        let Some(living) = living else { return Ok(()) };
        living.ends_within(INTERVAL)?;
    }
}
