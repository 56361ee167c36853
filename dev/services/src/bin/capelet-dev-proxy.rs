//! The recording proxy as a process.

#![forbid(unsafe_code)]

use argh::FromArgs;
use capelet_dev::net::Address;
use capelet_dev::{Error, announce, proxy, wait};
use std::path::PathBuf;
use std::process::ExitCode;

/// Carries bytes and records all of them. When it serves it prints one line of JSON with its address.
#[derive(FromArgs)]
struct Arguments {
    /// where to listen: 127.0.0.1:PORT (0: any free one) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// where to carry to
    #[argh(option)]
    to: Address,
    /// the directory of the record: N.up and N.down for the Nth connection
    #[argh(option)]
    record: PathBuf,
    /// end when standard input ends, as it does when whoever started this is gone
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = argh::from_env();
    capelet_dev::exit(run(arguments))
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let service = proxy::start(arguments.listen.listen()?, arguments.to, &arguments.record)?;
    announce(service.address(), None);
    wait(arguments.until_eof);
    Ok(())
}
