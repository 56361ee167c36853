//! `capelet-parent configure`.

use crate::cli::Configure;
use capelet_parent::Error;
use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER};
use enclave_core::config::{Arn, Configuration, Deployers, Limits, pcr16};
use enclave_core::digest;
use std::fs;
use std::path::Path;

pub fn run(asked: &Configure) -> Result<(), Error> {
    let arn = Arn::parse(&asked.key).map_err(|_| Error::Key(asked.key.clone()))?;
    let most = Limits::MAXIMA;
    let limits = Limits {
        run: limit("run", asked.run, most.run)?,
        memory: limit("memory", asked.memory, most.memory)?,
        input: limit("input", asked.input, most.input)?,
        output: limit("output", asked.output, most.output)?,
    };
    let deployers = deployers(&asked.deployer)?;
    match (&deployers, &asked.deployers_to) {
        (Some(list), Some(path)) => write(path, list)?,
        (None, None) => {}
        _ => return Err(Error::Deployers),
    }
    let deployers = deployers.map(|list| digest::sha256(&[&list]));
    let configuration = Configuration { arn, limits, deployers }.encode();
    write(&asked.to, &configuration)?;
    println!("PCR16 ➜  {}", HEXLOWER.encode(&pcr16(&configuration)));
    Ok(())
}

/// A limit, which can only lower what is compiled in; 0 would let nothing run.
fn limit(name: &'static str, asked: Option<u64>, most: u64) -> Result<u64, Error> {
    match asked {
        None => Ok(most),
        Some(value) if (1..=most).contains(&value) => Ok(value),
        Some(_) => Err(Error::RunLimit { name, most }),
    }
}

fn deployers(keys: &[String]) -> Result<Option<Vec<u8>>, Error> {
    let key = |text: &String| {
        let bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| Error::Deployer(text.clone()))
    };
    let keys = keys.iter().map(key).collect::<Result<Vec<[u8; 32]>, _>>()?;
    Ok((!keys.is_empty()).then(|| Deployers::encode(keys)))
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    let written = fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|source| Error::File { path: path.to_owned(), source })
}
