//! The arguments of `capelet-local`.

use argh::{ArgsInfo, FromArgs};
use capelet_cli::format::Format;
use capelet_parent::Address;
use std::path::PathBuf;

/// Runs all parts on one machine, under a development root: to try Capelet, never for real data.
#[derive(FromArgs, ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "{command_name}\n{command_name} --home demo --listen 127.0.0.1:4433 -o json",
    note = "Errors go to standard error as `Error: what is wrong and what to do [code]`; with -o json they go to standard
output too. The exit status is 1, or 2 if the command line is invalid. Beside a running capelet-local:
  capelet pin --development unix:HOME/capelet.sock
  capelet deploy FOLDER
  capelet run ID 'input'
Ctrl-C ends it. The folder --home keeps the stored objects."
)]
pub struct Arguments {
    /// folder for roots, keys and store (default: CAPELET_LOCAL_HOME, else ~/.local/state/capelet-local)
    #[argh(option, arg_name = "folder")]
    pub home: Option<PathBuf>,
    /// address for clients: 127.0.0.1:PORT or unix:PATH (repeatable; default: unix:HOME/capelet.sock)
    #[argh(option, arg_name = "address")]
    pub listen: Vec<Address>,
    /// the core's program (default: capelet-core-dev beside this program, or in ../libexec/capelet)
    #[argh(option, arg_name = "file")]
    pub core: Option<PathBuf>,
    /// the worker's program (default: capelet-worker beside this program, or in ../libexec/capelet)
    #[argh(option, arg_name = "file")]
    pub worker: Option<PathBuf>,
    /// key of an owner who may deploy, from `capelet identity show` (repeatable; default: everyone may deploy)
    #[argh(option, arg_name = "key")]
    pub deployer: Vec<String>,
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
    /// format of output and log: plain or json
    #[argh(option, short = 'o', arg_name = "plain|json", default = "Format::Plain")]
    pub output: Format,
}

/// The environment variables that the program reads, each with what it is for.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("CAPELET_LOCAL_HOME", "the folder if no option `--home` names one"),
    ("XDG_STATE_HOME", "your folder for state, in place of `~/.local/state`"),
];

/// The files that the program keeps, each with what is in it.
pub const FILES: &[(&str, &str)] = &[
    ("~/.local/state/capelet-local/", "the folder, if neither `--home` nor CAPELET_LOCAL_HOME names another one"),
    ("capelet.sock", "the socket for clients, if no option `--listen` names another address"),
    ("store/", "what the enclave stored"),
    ("nsm/, nsm-root.der", "the development root that signs attestation documents, and its certificate"),
    ("kms/, keys/", "the keys of the KMS emulator, and the key of each image"),
];
