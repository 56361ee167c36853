//! The development KMS as a process.

#![forbid(unsafe_code)]

use argh::FromArgs;
use capelet_dev::kms::Kms;
use capelet_dev::net::Address;
use capelet_dev::{Error, announce, wait};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// A KMS for development: keys lie on this disk, policies and attestation documents count. Loopback and Unix
/// sockets only. When it serves it prints one line of JSON: its address and the file with the root of its TLS.
#[derive(FromArgs)]
struct Arguments {
    /// where to listen: 127.0.0.1:PORT (0: any free one) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// the directory of its keys and its root, made if it is not there
    #[argh(option)]
    state: PathBuf,
    /// a root (DER) under which attestation documents count; may be repeated
    #[argh(option)]
    nsm_root: Vec<PathBuf>,
    /// end when standard input ends, as it does when whoever started this is gone
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = argh::from_env();
    capelet_dev::exit(run(&arguments))
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
