//! The program of the development KMS.

#![forbid(unsafe_code)]

use argh::{ArgsInfo, FromArgs};
use capelet_dev::kms::Kms;
use capelet_dev::{Address, Error, announce, wait};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Run a KMS for development. It evaluates policies and attestation documents. Its keys are on this disk in plaintext.
/// It serves loopback and Unix sockets only. When it serves, it prints one line of JSON: its address, and the file with
/// the root of its TLS.
#[derive(FromArgs, ArgsInfo)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    /// address to listen at: 127.0.0.1:PORT (0: any free port) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// directory of its keys and its root; the first start makes it
    #[argh(option)]
    state: PathBuf,
    /// root certificate (DER) of accepted attestation documents; may be repeated
    #[argh(option)]
    nsm_root: Vec<PathBuf>,
    /// exit when standard input ends, as it does when the starting process ends
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    capelet_dev::main("capelet-dev-kms", |arguments: Arguments| run(&arguments))
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| Error::File(path.clone(), error));
    let roots = arguments.nsm_root.iter().map(read).collect::<Result<_, _>>()?;
    let kms = Arc::new(Kms::open(&arguments.state, roots)?);
    let service = kms.serve(arguments.listen.listen()?)?;
    announce(service.address(), Some(&Kms::root_path(&arguments.state)));
    wait(arguments.until_eof);
    Ok(())
}
