//! Fetched vault statements and policy texts, so that `encrypt` works offline.
//!
//! These files are not trusted. A statement carries its own proof and is verified anew at each use.

use super::{Home, read_json, write_json};
use crate::error::Error;
use crate::values::{Base64, Hex, Owner};
use enclave_core::digest;
use enclave_core::text::hex;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A fetched statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// The address from which it was fetched. The trust entry of this address applies to it.
    pub url: String,
    /// When it was fetched, in milliseconds since 1970.
    pub time: u64,
    /// The statement's bytes.
    pub statement: Base64,
    /// SHA-384 of the policy of its KMS key at that time. `None`: it could not be read.
    pub policy: Option<Hex<48>>,
    /// SHA-384 of that key's metadata at that time. `None`: it could not be read.
    #[serde(rename = "facts")]
    pub key_metadata: Option<Hex<48>>,
}

impl Home {
    /// The statement of `owner` that was last fetched from this address.
    pub fn statement(&self, owner: &Owner, url: &str) -> Result<Option<Fetched>, Error> {
        read_json(&self.statement_path(owner, url))
    }

    /// Writes a statement and replaces the previous one.
    pub fn keep_statement(&self, owner: &Owner, fetched: &Fetched) -> Result<(), Error> {
        let _lock = self.lock("lock")?;
        self.make(&self.file("statements"))?;
        write_json(&self.statement_path(owner, &fetched.url), fetched)
    }

    /// Writes the text of a policy, or the metadata of a key, to a file that is named by its SHA-384.
    pub fn keep_policy(&self, text: &[u8], ending: &str) -> Result<PathBuf, Error> {
        self.keep("policies", &format!("{}.{ending}", hex(&digest::sha384(&[text]))), text)
    }

    fn statement_path(&self, owner: &Owner, url: &str) -> PathBuf {
        // An address can contain characters that a file name cannot.
        let place = digest::sha256(&[url.as_bytes()]);
        self.file("statements").join(format!("{owner}-{}.json", hex(place.first_chunk::<8>().map_or(&[], |cut| cut))))
    }
}
