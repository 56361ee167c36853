//! The adversary as a program.

#![forbid(unsafe_code)]

use argh::FromArgs;
use capelet_dev::adversary::{mitm, pad, store};
use capelet_dev::net::Address;
use capelet_dev::{Error, announce, wait};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Attacks, for real, what must not give way.
#[derive(FromArgs)]
struct Arguments {
    #[argh(subcommand)]
    attack: Attack,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum Attack {
    Swap(SwapObject),
    Pad(Pad),
    Mitm(Mitm),
}

/// Put one stored object in another's place, as a parent may.
#[derive(FromArgs)]
#[argh(subcommand, name = "swap-object")]
struct SwapObject {
    /// the parent's store
    #[argh(positional)]
    store: PathBuf,
    /// the id, in hexadecimal, of the object that is replaced
    #[argh(positional)]
    target: String,
    /// the id of the object that takes its place
    #[argh(positional)]
    source: String,
    /// what they are: function (the default), vault-key or statement
    #[argh(option, default = "store::Kind::Function")]
    kind: store::Kind,
}

/// Copy a binary and add one byte, so that it is measured as another.
#[derive(FromArgs)]
#[argh(subcommand, name = "pad")]
struct Pad {
    /// the binary
    #[argh(positional)]
    binary: PathBuf,
    /// the copy
    #[argh(positional)]
    copy: PathBuf,
}

/// Stand between a client and an enclave and pass on the genuine document of another connection. When it serves it
/// prints one line of JSON with its address.
#[derive(FromArgs)]
#[argh(subcommand, name = "mitm")]
struct Mitm {
    /// where to listen: 127.0.0.1:PORT (0: any free one) or unix:PATH
    #[argh(option)]
    listen: Address,
    /// the genuine enclave's address
    #[argh(option)]
    to: Address,
    /// end when standard input ends, as it does when whoever started this is gone
    #[argh(switch)]
    until_eof: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = argh::from_env();
    capelet_dev::exit(run(arguments.attack))
}

fn run(attack: Attack) -> Result<(), Error> {
    match attack {
        Attack::Swap(SwapObject { store, target, source, kind }) => {
            let (target, source) = (store::find(&store, kind, &target)?, store::find(&store, kind, &source)?);
            store::swap(&target, &source)
        }
        Attack::Pad(Pad { binary, copy }) => pad::pad(&binary, &copy),
        Attack::Mitm(Mitm { listen, to, until_eof }) => {
            let service = mitm::start(listen.listen()?, to, Arc::default())?;
            announce(service.address(), None);
            wait(until_eof);
            Ok(())
        }
    }
}
