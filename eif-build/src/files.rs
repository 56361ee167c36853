//! Files: reading with a limit, and atomic writing.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::Io`], [`Error::FileTooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    result.map_err(|error| failed("read", path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(Error::FileTooLarge { limit });
    }
    Ok(bytes)
}

/// Replaces a file atomically.
///
/// At any moment, and after a crash, `path` has either its old content or all of `bytes`. The steps are: a temporary
/// file in the same folder, fsync, rename, fsync of the folder.
///
/// # Errors
/// [`Error::Io`]. In that case `path` is unchanged.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes).map_err(|error| failed("write", path, &error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // The umask may remove permissions. The files that this crate writes are public, so 0644 is safe.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn failed(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::Io { doing, path: path.into(), kind: error.kind() }
}
