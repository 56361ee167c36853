//! The program of the adversary: one subcommand for each attack.

#![forbid(unsafe_code)]

use argh::{ArgsInfo, FromArgs};
use capelet_dev::adversary::{mitm, pad, store};
use capelet_dev::{Address, Error, announce, wait};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Run an attack that a product must detect.
#[derive(FromArgs, ArgsInfo)]
#[argh(help_triggers("-h", "--help"))]
struct Arguments {
    #[argh(subcommand)]
    attack: Attack,
}

#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
enum Attack {
    Swap(SwapObject),
    Pad(Pad),
    Mitm(Mitm),
}

/// Replace one stored object with another one, as a parent can.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "swap-object", help_triggers("-h", "--help"))]
struct SwapObject {
    /// the parent's store
    #[argh(positional)]
    store: PathBuf,
    /// the id of the object to replace, in hexadecimal
    #[argh(positional)]
    target: String,
    /// the id of the object that replaces it
    #[argh(positional)]
    source: String,
    /// kind of both objects: function (the default), vault-key or statement
    #[argh(option, default = "store::Kind::Function")]
    kind: store::Kind,
}

/// Copy a program and append one byte, so that its measurement differs.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "pad", help_triggers("-h", "--help"))]
struct Pad {
    /// the program
    #[argh(positional)]
    binary: PathBuf,
    /// the copy
    #[argh(positional)]
    copy: PathBuf,
}

/// Stand between a client and an enclave, and forward the genuine document of another connection. When it serves, it
/// prints one line of JSON with its address.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "mitm", help_triggers("-h", "--help"))]
struct Mitm {
    /// address to listen at: 127.0.0.1:PORT (0: any free port) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// address of the genuine enclave
    #[argh(option)]
    to: Address,
    /// exit when standard input ends, as it does when the starting process ends
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    capelet_dev::main("capelet-dev-adversary", |arguments: Arguments| run(arguments.attack))
}

fn run(attack: Attack) -> Result<(), Error> {
    match attack {
        Attack::Swap(SwapObject { store, target, source, kind }) => {
            let (target, source) = (store::find(&store, kind, &target)?, store::find(&store, kind, &source)?);
            store::swap(&target, &source)
        }
        Attack::Pad(Pad { binary, copy }) => pad(&binary, &copy),
        Attack::Mitm(Mitm { listen, to, until_eof }) => {
            let service = mitm::start(listen.listen()?, to, Arc::default())?;
            announce(service.address(), None);
            wait(until_eof);
            Ok(())
        }
    }
}
