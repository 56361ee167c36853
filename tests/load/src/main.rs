//! `make load`: clients that each open a session, run an empty function and close, again and again. How many runs end in a
//! second, how long they take, how they end, and how much memory the processes use. Nothing here is a test.
//!
//! The clients are threads of this process that use the client's library, so that starting processes is not measured. They
//! share the machine with the enclave, which therefore cannot use all of it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clients;
mod level;
mod memory;
mod plot;
mod report;

use argh::FromArgs;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Measures an enclave on this machine with many clients at once.
#[derive(FromArgs)]
struct Arguments {
    /// how long each number of clients is measured, in seconds (default: 60)
    #[argh(option, default = "60")]
    seconds: u64,
    /// a number of clients; may be repeated (default: 1, 8, 64 and 256)
    #[argh(option)]
    clients: Vec<usize>,
    /// the folder for load.md and load.svg (default: the table is only printed)
    #[argh(option)]
    to: Option<PathBuf>,
}

fn main() {
    let arguments: Arguments = argh::from_env();
    let clients = if arguments.clients.is_empty() { vec![1, 8, 64, 256] } else { arguments.clients };
    let time = Duration::from_secs(arguments.seconds);
    let levels: Vec<_> = clients
        .into_iter()
        .map(|clients| {
            eprintln!("{clients} clients for {} s", time.as_secs());
            clients::measure(clients, time)
        })
        .collect();
    println!("{}", report::table(&levels));
    if let Some(folder) = arguments.to {
        fs::write(folder.join("load.md"), report::page(&levels, time)).unwrap();
        fs::write(folder.join("load.svg"), plot::svg(&levels)).unwrap();
    }
}
