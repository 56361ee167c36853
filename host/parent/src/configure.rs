//! `capelet-parent configure`.

use capelet_cli::ending::Invocation;
use capelet_cli::output_file::{self, Existing, OutputFile, Readers};
use capelet_cli::streams;
use capelet_parent::cli::Configure;
use capelet_parent::{Error, RequestedLimits, encode_deployers, run_limits};
use enclave_core::crypto::sha256;
use enclave_core::encoding::hex;
use enclave_core::kms::Arn;
use enclave_core::{Configuration, pcr16};
use serde_json::json;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

pub fn run(asked: &Configure, invocation: &Invocation) -> Result<(), Error> {
    // The list of deployers is replaced without --force too.
    if asked.force && output_file::is_stdout(&asked.to) {
        return Err(Error::ConfigureArguments(
            "--force has no effect with --to -, which replaces no file; leave it out",
        ));
    }
    let arn = Arn::parse(&asked.key).map_err(|_| Error::Key(asked.key.clone()))?;
    let Configure { limit_run: run, limit_memory: memory, limit_input: input, limit_output: output, .. } = *asked;
    let limits = run_limits(RequestedLimits { run, memory, input, output })?;
    let list = match (asked.deployer.as_slice(), &asked.deployers_to) {
        ([], None) => None,
        (keys @ [_, ..], Some(path)) => Some((path, encode_deployers(keys, path)?)),
        _ => return Err(Error::Deployers),
    };
    let deployers = list.as_ref().map(|(_, list)| sha256(&[list]));
    let configuration = Configuration { arn, limits, deployers }.encode();
    let printed = |path: &Path| output_file::is_stdout(path);
    let lists = asked.deployers_to.as_deref().is_some_and(printed);
    if lists && printed(&asked.to) {
        return Err(Error::TwoOutputs);
    }
    if invocation.is_json() && (lists || printed(&asked.to)) {
        return Err(Error::ConfigureArguments(
            "-o json needs standard output; name a file for --to and --deployers-to",
        ));
    }
    // Both outputs are opened before one is written, so that a refused one leaves the other as it was.
    let existing = if asked.force { Existing::Replace } else { Existing::Refuse };
    let to = open(&asked.to, existing)?;
    let list = list.map(|(path, list)| Ok((path, open(path, Existing::Replace)?, list))).transpose()?;
    if let Some((path, file, list)) = list {
        write(path, file, &list)?;
    }
    write(&asked.to, to, &configuration)?;
    let pcr16 = hex(pcr16(&configuration).as_bytes());
    if invocation.is_json() {
        return invocation.print(json!({"pcr16": pcr16}));
    }
    let pcr16 = format!("PCR16 ➜  {pcr16}");
    if lists || printed(&asked.to) {
        streams::note(&pcr16);
        return Ok(());
    }
    streams::print(format!("{pcr16}\n").as_bytes()).map_err(Error::Output)
}

fn open(path: &Path, existing: Existing) -> Result<OutputFile, Error> {
    OutputFile::create(path, Readers::Umask, existing).map_err(|error| refused(path, error))
}

fn write(path: &Path, mut file: OutputFile, bytes: &[u8]) -> Result<(), Error> {
    file.write_all(bytes).and_then(|()| file.keep()).map_err(|error| refused(path, error))
}

fn refused(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::AlreadyExists => Error::ConfigurationExists(path.to_owned()),
        _ => Error::File { path: path.to_owned(), source },
    }
}
