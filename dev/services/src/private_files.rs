//! Files and directories that only their owner can read, and atomic writing.

use crate::Error;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The largest file that [`read`] accepts, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Makes a directory with mode 0700, and its parents. An existing directory stays as it is.
///
/// # Errors
/// [`Error::File`].
pub fn make_directory(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::File(path.to_path_buf(), error))
}

/// Reads a file of at most one mebibyte.
///
/// # Errors
/// [`Error::File`].
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let limited = || {
        if fs::metadata(path)?.len() > MAX_FILE {
            return Err(io::Error::from(ErrorKind::FileTooLarge));
        }
        fs::read(path)
    };
    limited().map_err(|error| Error::File(path.to_path_buf(), error))
}

/// Writes a new file with mode 0600 atomically. An existing file stays as it is.
///
/// # Errors
/// [`Error::File`].
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    match temporary(path, bytes).and_then(|file| Ok(file.persist_noclobber(path)?)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::File(path.to_path_buf(), error)),
    }
}

/// Writes a file with mode 0600 atomically. An existing file is replaced.
///
/// # Errors
/// [`Error::File`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let done = temporary(path, bytes).and_then(|file| Ok(file.persist(path)?));
    done.map(drop).map_err(|error| Error::File(path.to_path_buf(), error))
}

/// A temporary file with these bytes beside `path`, written to disk.
fn temporary(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}
