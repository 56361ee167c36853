//! Fetched vault statements and policy texts, so that `encrypt` works offline.
//!
//! These files are not trusted. A statement carries its own proof and is verified anew at each use.

use super::folders::Place;
use super::{Home, LOCK, encode, read_json};
use crate::error::Error;
use crate::values::{Base64, Hex, OwnerText, unix_millis};
use enclave_core::crypto::{sha256, sha384};
use enclave_core::encoding::hex;
use enclave_core::{OwnerKey, UnixMillis};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The folder of statements. A lost one is fetched again.
pub(crate) const STATEMENTS: Place = Place::state("statements");
/// The folder of policies and of keys' metadata. Nobody can fetch an accepted text again after the key has changed.
pub(super) const POLICIES: Place = Place::data("policies");

/// A fetched statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// The address from which it was fetched. The trust entry of this address applies to it.
    pub url: String,
    /// When it was fetched.
    #[serde(with = "unix_millis")]
    pub time: UnixMillis,
    /// The statement's bytes.
    pub statement: Base64,
    /// SHA-384 of the policy of its KMS key at that time. `None` if it could not be read.
    pub policy: Option<Hex<[u8; 48]>>,
    /// SHA-384 of that key's metadata at that time. `None` if it could not be read.
    #[serde(rename = "facts")]
    pub key_metadata: Option<Hex<[u8; 48]>>,
}

impl Home {
    /// The statement of `owner` that was last fetched from this address.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Newer`], [`Error::Older`], [`Error::FileTooLarge`] or [`Error::Io`] if the file cannot
    /// be read.
    pub fn statement(&self, owner: &OwnerKey, url: &str) -> Result<Option<Fetched>, Error> {
        read_json(&self.file(STATEMENTS).join(statement_name(owner, url)))
    }

    /// Writes a statement and replaces the previous one.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`Home::lock`].
    pub fn keep_statement(&self, owner: &OwnerKey, fetched: &Fetched) -> Result<(), Error> {
        let _lock = self.lock(LOCK)?;
        let name = statement_name(owner, &fetched.url);
        let bytes = encode(&self.file(STATEMENTS).join(&name), fetched)?;
        self.keep(STATEMENTS, &name, &bytes).map(drop)
    }

    /// Writes the text of a policy, or the metadata of a key, to a file that is named by its SHA-384.
    ///
    /// # Errors
    /// As [`Home::keep`].
    pub fn keep_policy(&self, text: &[u8], ending: &str) -> Result<PathBuf, Error> {
        self.keep(POLICIES, &policy_name(&sha384(&[text]), ending), text)
    }

    /// Where [`Home::keep_policy`] keeps the text with this SHA-384.
    pub fn policy_path(&self, digest: &[u8; 48], ending: &str) -> PathBuf {
        self.file(POLICIES).join(policy_name(digest, ending))
    }
}

fn statement_name(owner: &OwnerKey, url: &str) -> String {
    // An address can contain characters that a file name cannot.
    let address = sha256(&[url.as_bytes()]);
    let address = hex(address.first_chunk::<8>().map_or(&[], |cut| cut));
    format!("{}-{address}.json", OwnerText(*owner))
}

fn policy_name(digest: &[u8; 48], ending: &str) -> String {
    format!("{}.{ending}", hex(digest))
}
