//! A parent that replaces one stored object with another one. The store has the layout of `capelet-parent`:
//! `KIND/OWNER/ID-VERSION`, in hexadecimal.

use crate::{Error, private_files};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The kind of a stored object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A function.
    Function = 1,
    /// A vault key.
    VaultKey = 2,
    /// A vault statement. Its id is zeros.
    Statement = 3,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "function" => Ok(Self::Function),
            "vault-key" => Ok(Self::VaultKey),
            "statement" => Ok(Self::Statement),
            _ => Err(format!("'{text}' is unsupported: use function, vault-key or statement")),
        }
    }
}

/// The path of the newest version of an object of this kind. Its id begins with `id`. The owner does not matter.
///
/// # Errors
/// [`Error::NotStored`] if no object matches, [`Error::File`].
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
    // Versions are hexadecimal numbers of equal length, so the order of the names is the order of the versions.
    found.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    found.pop().ok_or_else(|| Error::NotStored(under.join("*").join(format!("{id}*"))))
}

/// Replaces the bytes of the file `target` with those of the file `source`.
///
/// # Errors
/// [`Error::File`].
pub fn swap(target: &Path, source: &Path) -> Result<(), Error> {
    let bytes = fs::read(source).map_err(|error| Error::File(source.to_path_buf(), error))?;
    private_files::replace(target, &bytes)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::File(directory.to_path_buf(), error);
    let each = fs::read_dir(directory).map_err(failed)?;
    each.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}
