//! Reading files with a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::Io`], [`Error::FileTooLarge`].
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    result.map_err(|error| Error::Io {
        doing: "read",
        path: path.into(),
        kind: error.kind(),
        number: error.raw_os_error(),
    })?;
    if bytes.len() as u64 > limit {
        return Err(Error::FileTooLarge { limit });
    }
    Ok(bytes)
}
