//! What the programs of this package have in common.

use crate::Error;
use crate::net::Address;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// Says on standard output that it serves, and where; whoever started the program waits for this line.
pub fn announce(address: &Address, root: Option<&Path>) {
    let mut line = serde_json::json!({ "development": true, "address": address.to_string() });
    if let Some(root) = root {
        line["root"] = serde_json::json!(root);
    }
    // Whoever does not listen does not wait either.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Waits for ever, or until standard input ends.
pub fn wait(until_eof: bool) {
    if until_eof {
        // A broken standard input has ended, too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        return;
    }
    loop {
        thread::park();
    }
}

/// The exit status, and on standard error what went wrong.
pub fn exit(done: Result<(), Error>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
