//! The program of the recording proxy.

#![forbid(unsafe_code)]

use argh::{ArgsInfo, FromArgs};
use capelet_dev::{Address, Error, announce, proxy, wait};
use std::path::PathBuf;
use std::process::ExitCode;

/// Forward bytes and record all of them. When it serves, it prints one line of JSON with its address.
#[derive(FromArgs, ArgsInfo)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    /// address to listen at: 127.0.0.1:PORT (0: any free port) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// address to forward to
    #[argh(option)]
    to: Address,
    /// directory of the record: N.up and N.down for connection N, from 0
    #[argh(option)]
    record: PathBuf,
    /// exit when standard input ends, as it does when the starting process ends
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    capelet_dev::main("capelet-dev-proxy", run)
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let service = proxy::start(arguments.listen.listen()?, arguments.to, &arguments.record)?;
    announce(service.address(), None);
    wait(arguments.until_eof);
    Ok(())
}
