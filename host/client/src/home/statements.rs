//! Vault statements and policy texts that were fetched, so that `encrypt` works offline. They prove themselves and
//! are verified anew at every use: a file here is no more believed than the parent is.

use super::{Home, read_json, write_json};
use crate::error::Error;
use crate::values::{Base64, Hex, Owner};
use enclave_core::digest;
use enclave_core::text::hex;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A statement as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// From where: its trust entry judges it.
    pub url: String,
    /// When (milliseconds since 1970).
    pub time: u64,
    /// The statement's bytes.
    pub statement: Base64,
    /// SHA-384 of the policy of its KMS key as it was then; none: it could not be read.
    pub policy: Option<Hex<48>>,
    /// SHA-384 of that key's facts as they were then; none: they could not be read.
    pub facts: Option<Hex<48>>,
}

impl Home {
    /// The statement of `owner` that was last fetched from this address.
    pub fn statement(&self, owner: &Owner, url: &str) -> Result<Option<Fetched>, Error> {
        read_json(&self.statement_path(owner, url))
    }

    /// Keeps a statement in the place of the last one.
    pub fn keep_statement(&self, owner: &Owner, fetched: &Fetched) -> Result<(), Error> {
        let _lock = self.lock("lock")?;
        self.make(&self.file("statements"))?;
        write_json(&self.statement_path(owner, &fetched.url), fetched)
    }

    /// Keeps a text of a policy, or the facts of a key, under its SHA-384.
    pub fn keep_policy(&self, text: &[u8], ending: &str) -> Result<PathBuf, Error> {
        self.keep("policies", &format!("{}.{ending}", hex(&digest::sha384(&[text]))), text)
    }

    fn statement_path(&self, owner: &Owner, url: &str) -> PathBuf {
        // Addresses hold what names of files may not.
        let place = digest::sha256(&[url.as_bytes()]);
        self.file("statements").join(format!("{owner}-{}.json", hex(place.first_chunk::<8>().map_or(&[], |cut| cut))))
    }
}
