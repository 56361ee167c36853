//! `capelet-parent configure`.

use crate::cli::Configure;
use capelet_parent::{Error, RequestedLimits, encode_deployers, run_limits};
use enclave_core::crypto::sha256;
use enclave_core::encoding::hex;
use enclave_core::kms::Arn;
use enclave_core::{Configuration, pcr16};
use std::fs;
use std::path::Path;

pub fn run(asked: &Configure) -> Result<(), Error> {
    let arn = Arn::parse(&asked.key).map_err(|_| Error::Key(asked.key.clone()))?;
    let Configure { run, memory, input, output, .. } = *asked;
    let limits = run_limits(RequestedLimits { run, memory, input, output })?;
    let deployers = match (asked.deployer.as_slice(), &asked.deployers_to) {
        ([], None) => None,
        (keys @ [_, ..], Some(path)) => {
            let list = encode_deployers(keys, path)?;
            write(path, &list)?;
            Some(sha256(&[&list]))
        }
        _ => return Err(Error::Deployers),
    };
    let configuration = Configuration { arn, limits, deployers }.encode();
    write(&asked.to, &configuration)?;
    println!("PCR16 ➜  {}", hex(pcr16(&configuration).as_bytes()));
    Ok(())
}

/// Writes a file. A reader sees the previous file or this one, never a part.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    let written = fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|source| Error::File { path: path.to_owned(), source })
}
