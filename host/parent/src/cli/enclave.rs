//! The arguments of `capelet-parent enclave`.

use crate::{ENCLAVE_CIDS, Error};
use argh::{ArgsInfo, FromArgs};
use capelet_cli::format::Format;
use std::path::PathBuf;

/// Start, look at and end an enclave: with nitro-cli on AWS (untried there so far: docs/hardware-check.md), or with QEMU
/// on any other machine, under a development root.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "enclave", help_triggers("-h", "--help"))]
pub struct Enclave {
    /// the command
    #[argh(subcommand)]
    pub verb: Verb,
}

impl Enclave {
    /// The format of the result and of errors.
    pub fn output(&self) -> Format {
        match &self.verb {
            Verb::Run(run) => run.output,
            Verb::Describe(describe) => describe.output,
            Verb::Terminate(terminate) => terminate.output,
            Verb::Console(console) => console.output,
        }
    }
}

/// The commands of `enclave`.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Verb {
    /// See [`Run`].
    Run(Run),
    /// See [`Describe`].
    Describe(Describe),
    /// See [`Terminate`].
    Terminate(Terminate),
    /// See [`Console`].
    Console(Console),
}

/// Measure an image, print its PCR0 and what `serve --enclave` takes, and start it. Start `serve` first: an enclave that
/// cannot ask it for its configuration ends.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "run",
    help_triggers("-h", "--help"),
    example = "On AWS (untried so far), by nitro-cli run-enclave; returns when it has booted:
  capelet-parent enclave run capelet.eif --measurements measurements.json",
    example = "With QEMU, until Ctrl-C or `enclave terminate`:
  dev/qemu/dev-chain.sh chain
  capelet-parent enclave run capelet.eif --qemu $(dev/qemu/build.sh) --nsm chain/nsm.pem --state /run/capelet",
    note = "With QEMU the machine waits up to a minute for `capelet-parent serve --enclave qemu:STATE/vsock`. What it prints
is kept in STATE/console, also after its end, until the next run. If it ends by itself, the error shows the last lines."
)]
pub struct Run {
    /// the image, an .eif file
    #[argh(positional, arg_name = "image-file")]
    pub image: PathBuf,

    /// what the image must measure (a release's measurements.json)
    #[argh(option, arg_name = "file")]
    pub measurements: Option<PathBuf>,

    /// assert that the image was built for development: its --measurements must say so. nitro-cli then starts it in debug
    /// mode, in which its console can be read, PCRs are zero and every client refuses it. QEMU starts it like any other
    #[argh(switch)]
    pub development: bool,

    /// memory in MiB, 1024 if not given
    #[argh(option, arg_name = "number", default = "1024")]
    pub memory: u32,

    /// virtual CPUs, 2 if not given
    #[argh(option, arg_name = "number", default = "2")]
    pub cpus: u32,

    /// the enclave's vsock CID, 16 if not given
    #[argh(option, arg_name = "number", default = "16", from_str_fn(cid))]
    pub cid: u32,

    /// start it with QEMU: the folder with qemu-system-x86_64, vhost-device-vsock and firmware/ (dev/qemu/build.sh)
    #[argh(option, arg_name = "folder")]
    pub qemu: Option<PathBuf>,

    /// with QEMU: the folder for sockets, process ids and the console, made with mode 0700 if it is not there
    #[argh(option, arg_name = "folder")]
    pub state: Option<PathBuf>,

    /// with QEMU: key and certificates that its NSM signs with, PEM (dev/qemu/dev-chain.sh); read anew at each document
    #[argh(option, arg_name = "file")]
    pub nsm: Option<PathBuf>,

    /// format of the result and of errors: plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Show the enclaves of this machine: those that nitro-cli knows, or the one of a state folder. The result is JSON unless
/// -o plain is given.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "describe",
    help_triggers("-h", "--help"),
    example = "{command_name}\n{command_name} --state /run/capelet"
)]
pub struct Describe {
    /// the folder that was given to `enclave run --qemu`
    #[argh(option, arg_name = "folder")]
    pub state: Option<PathBuf>,

    /// format of the result and of errors: plain or json (default)
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Json")]
    pub output: Format,
}

/// End an enclave, and exactly the processes that were started for it.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "terminate", help_triggers("-h", "--help"), example = "{command_name} --state /run/capelet")]
pub struct Terminate {
    /// nitro-cli's id of it (`enclave describe`)
    #[argh(option, arg_name = "enclave")]
    pub id: Option<String>,

    /// the folder that was given to `enclave run --qemu`
    #[argh(option, arg_name = "folder")]
    pub state: Option<PathBuf>,

    /// format of the result and of errors: plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Show what an enclave prints, until it ends. With --state: of any image, and after its end what was kept. With --id: only
/// of an enclave in debug mode (`enclave run --development`). Bytes other than printable ASCII appear as \xNN.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "console", help_triggers("-h", "--help"), example = "{command_name} --state /run/capelet")]
pub struct Console {
    /// nitro-cli's id of it (`enclave describe`)
    #[argh(option, arg_name = "enclave")]
    pub id: Option<String>,

    /// the folder that was given to `enclave run --qemu`
    #[argh(option, arg_name = "folder")]
    pub state: Option<PathBuf>,

    /// format of errors: plain or json; the console is text in both
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// How the command line names an enclave.
pub enum Named {
    /// By nitro-cli's id.
    Nitro(String),
    /// By its state folder.
    Qemu(PathBuf),
}

impl Named {
    /// The enclave of the arguments `--id` and `--state`.
    ///
    /// # Errors
    /// [`Error::EnclaveArguments`] unless exactly one of them is given.
    pub fn new(id: Option<String>, state: Option<PathBuf>) -> Result<Self, Error> {
        match (id, state) {
            (Some(id), None) => Ok(Self::Nitro(id)),
            (None, Some(state)) => Ok(Self::Qemu(state)),
            _ => Err(Error::EnclaveArguments("name one enclave, by --id or by --state")),
        }
    }
}

fn cid(text: &str) -> Result<u32, String> {
    let (least, most) = (ENCLAVE_CIDS.start, ENCLAVE_CIDS.end - 1);
    let cid = text.parse().ok().filter(|cid| ENCLAVE_CIDS.contains(cid));
    cid.ok_or_else(|| format!("'{text}' is not the CID of an enclave; write a number from {least} to {most}"))
}
