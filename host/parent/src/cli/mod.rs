//! The arguments of `capelet-parent`.

pub mod enclave;

use crate::{Address, Error, Region, Transport};
use argh::{ArgsInfo, FromArgs};
use capelet_cli::format::Format;
use enclave::Enclave;
use std::path::PathBuf;

/// Carries bytes between clients, an enclave and KMS, and keeps what the enclave stores. It can read none of it.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "On an AWS instance, beside an enclave that nitro-cli started with CID 16:
  {command_name} configure --key ARN --to enclave.cbor
  {command_name} serve --listen 0.0.0.0:443 --enclave vsock:16 --store /var/lib/capelet \\
    --region eu-central-1 --credentials credentials.json --configuration enclave.cbor",
    note = "Errors go to standard error as `Error: what is wrong and what to do [code]`. Details may follow on further
lines. With -o json they go to standard output too (docs/json.md). The exit status is 1, or 2 if the command line is
invalid."
)]
pub struct Arguments {
    /// the command
    #[argh(subcommand)]
    pub command: Command,
}

/// All commands.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Command {
    /// See [`Configure`].
    Configure(Configure),
    /// See [`Enclave`].
    Enclave(Enclave),
    /// See [`Serve`].
    Serve(Serve),
}

impl Command {
    /// The format of the result and of errors.
    pub fn output(&self) -> Format {
        match self {
            Self::Configure(configure) => configure.output,
            Self::Enclave(enclave) => enclave.output(),
            Self::Serve(serve) => serve.output,
        }
    }
}

/// Write a configuration for an enclave, and the list of those who may deploy. It is measured into PCR16 and shown to
/// every client; another one is another PCR16, never another PCR0.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "configure",
    help_triggers("-h", "--help"),
    example = "capelet-parent configure --key arn:aws:kms:eu-central-1:111122223333:key/UUID --to enclave.cbor",
    example = "With limits, and for two owners alone (their keys as `capelet identity show` prints them):
  capelet-parent configure --key ARN --limit-run 10000 --deployer KEY --deployer KEY --to enclave.cbor \\
    --deployers-to deployers.cbor",
    note = "Limits can only lower what is compiled into the image: 60,000 ms, 256 MiB of memory, 256 MiB of input,
64 MiB of output."
)]
pub struct Configure {
    /// the KMS key under which the enclave seals
    #[argh(option, arg_name = "arn")]
    pub key: String,

    /// lower the limit on a run's wall time, in milliseconds
    #[argh(option, arg_name = "number")]
    pub limit_run: Option<u64>,

    /// lower the limit on a run's memory, in bytes
    #[argh(option, arg_name = "number")]
    pub limit_memory: Option<u64>,

    /// lower the limit on a run's input, in bytes
    #[argh(option, arg_name = "number")]
    pub limit_input: Option<u64>,

    /// lower the limit on a run's output, in bytes
    #[argh(option, arg_name = "number")]
    pub limit_output: Option<u64>,

    /// an owner who may deploy and make vault keys; repeatable; anybody may if none is given
    #[argh(option, arg_name = "key")]
    pub deployer: Vec<String>,

    /// where to write the configuration; - for standard output, which then has no PCR16
    #[argh(option, arg_name = "file")]
    pub to: PathBuf,

    /// replace a configuration that is there already: under another one clients see another PCR16
    #[argh(switch)]
    pub force: bool,

    /// where to write the list of deployers, for `serve --deployers`; a list that is there already is replaced and keeps
    /// its salt
    #[argh(option, arg_name = "file")]
    pub deployers_to: Option<PathBuf>,

    /// format of the result and of errors: plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// Serve clients and one enclave until SIGINT or SIGTERM.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "serve",
    help_triggers("-h", "--help"),
    example = "On AWS, beside an enclave that nitro-cli started with CID 16:
  capelet-parent serve --listen 0.0.0.0:443 --enclave vsock:16 --store /var/lib/capelet \\
    --region eu-central-1 --credentials credentials.json --configuration enclave.cbor",
    example = "Beside a guest of QEMU, with a development KMS:
  capelet-parent serve --listen 127.0.0.1:4433 --enclave qemu:/run/vsock --store store --kms 127.0.0.1:4434",
    note = "A second SIGINT or SIGTERM ends it at once. What the enclave was told is stored stays stored, however the
process ends. The log has one line per event on standard error, and holds no bodies and no credentials."
)]
pub struct Serve {
    /// where clients connect: IP:PORT (port 0: any free one) or unix:PATH; repeatable
    #[argh(option, arg_name = "address", from_str_fn(parse))]
    pub listen: Vec<Address>,

    /// how the enclave is reached: vsock:CID, qemu:PATH (vhost-device-vsock's uds-path) or unix:DIR
    #[argh(option, arg_name = "transport", from_str_fn(parse))]
    pub enclave: Transport,

    /// the folder in which the enclave's objects are kept; made if it is not there, used by one process at a time
    #[argh(option, arg_name = "folder")]
    pub store: PathBuf,

    /// the configuration that is measured into PCR16, at most 16,384 bytes, handed over as it is
    #[argh(option, arg_name = "file")]
    pub configuration: Option<PathBuf>,

    /// the list of those who may deploy, if the configuration names one; at most 65,536 bytes
    #[argh(option, arg_name = "file")]
    pub deployers: Option<PathBuf>,

    /// a region whose KMS the enclave may reach; repeatable
    #[argh(option, arg_name = "region", from_str_fn(parse))]
    pub region: Vec<Region>,

    /// a development KMS on this machine, IP:PORT or unix:PATH, in place of AWS'
    #[argh(option, arg_name = "address", from_str_fn(parse))]
    pub kms: Option<Address>,

    /// credentials for KMS, as a credential_process prints them (JSON); read anew at each use. Only this user may be able
    /// to read the file (chmod 600)
    #[argh(option, arg_name = "file")]
    pub credentials: Option<PathBuf>,

    /// clients at once, 256 if not given; the enclave serves 56 of them at once, the others wait up to 10 s. One more is
    /// told to come back later
    #[argh(option, arg_name = "number", default = "256")]
    pub connections: usize,

    /// clients at once from one IPv4 address or IPv6 network (/64), a quarter of those served at once if not given; 0 for
    /// no limit, which a load balancer in front needs. Loopback and Unix sockets have no limit
    #[argh(option, arg_name = "number")]
    pub per_address: Option<usize>,

    /// how the log looks: json (default) or plain
    #[argh(option, arg_name = "json|plain", default = "Format::Json")]
    pub log: Format,

    /// format of an error that ends the command: plain or json; nothing else is printed on standard output
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

fn parse<T: std::str::FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

/// The files that the program keeps, each with what is in it.
pub const FILES: &[(&str, &str)] = &[
    ("STORE/", "the folder of `serve --store`: the enclave's objects, each sealed; back it up to keep them"),
    ("STATE/", "the folder of `enclave run --state`: sockets, process ids and the console of a guest of QEMU"),
];
