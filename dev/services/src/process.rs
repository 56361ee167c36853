//! The start, the wait and the exit of this package's programs.

use crate::{Address, Error};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// Prints one line of JSON with the address, and with the path of the TLS root if there is one.
///
/// The process that started the program waits for this line.
pub fn announce(address: &Address, root: Option<&Path>) {
    let mut line = serde_json::json!({ "development": true, "address": address.to_string() });
    if let Some(root) = root {
        line["root"] = serde_json::json!(root);
    }
    // A failure means that nobody reads standard output, so nobody waits for the line.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Waits until standard input ends, or for ever if `until_eof` is false.
pub fn wait(until_eof: bool) {
    if until_eof {
        // A standard input that cannot be read has ended too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        return;
    }
    loop {
        thread::park();
    }
}

/// The exit status for a result. An error is printed to standard error.
pub fn exit(done: Result<(), Error>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
