//! A parent that puts one stored object in another's place. The store's layout is that of `capelet-parent`:
//! `KIND/OWNER/ID-VERSION`, in hexadecimal.

use crate::{Error, authority};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function = 1,
    /// A vault key.
    VaultKey = 2,
    /// A vault statement; its id is zeros.
    Statement = 3,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "function" => Ok(Self::Function),
            "vault-key" => Ok(Self::VaultKey),
            "statement" => Ok(Self::Statement),
            _ => Err(format!("'{text}' is none of function, vault-key, statement")),
        }
    }
}

/// The one stored object of this kind whose id begins so, whoever its owner is; its newest version.
pub fn find(store: &Path, kind: Kind, id: &str) -> Result<PathBuf, Error> {
    let under = store.join(format!("{:02x}", kind as u8));
    let mut found: Vec<PathBuf> = Vec::new();
    for owner in entries(&under)? {
        for path in entries(&owner)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(&id.to_ascii_lowercase()) {
                found.push(path);
            }
        }
    }
    // Versions are hexadecimal of one length, so that their order is that of the names.
    found.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    found.pop().ok_or_else(|| Error::NotStored(under.join("*").join(format!("{id}*"))))
}

/// Puts the bytes of `source` in the place of `target`.
pub fn swap(target: &Path, source: &Path) -> Result<(), Error> {
    let bytes = fs::read(source).map_err(|error| Error::File(source.to_path_buf(), error))?;
    authority::replace(target, &bytes)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::File(directory.to_path_buf(), error);
    let each = fs::read_dir(directory).map_err(failed)?;
    each.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}
