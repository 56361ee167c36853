//! Reading a file of bounded length.

use crate::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::FileTooLarge`] if it is longer than `limit`.
pub fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    read_opened(file, path, limit)
}

/// Like [`read_file`], for an open file.
///
/// # Errors
/// As [`read_file`].
pub(crate) fn read_opened(file: File, path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::File { path: path.to_owned(), source })?;
    if bytes.len() > limit {
        return Err(Error::FileTooLarge { what: path.display().to_string(), limit });
    }
    Ok(bytes)
}
