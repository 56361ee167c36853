//! Reads files up to a limit, and writes files.

use crate::error::Error;
use capelet_cli::output_file::{self, Existing, Readers};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file of at most `limit` bytes. A larger file is rejected before it is read.
///
/// # Errors
/// [`Error::FileTooLarge`] for more than `limit` bytes; [`Error::Io`].
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |error: std::io::Error| Error::io("read", path, &error);
    read_opened(File::open(path).map_err(failed)?, path, limit)
}

/// Like [`read`], for an open file.
///
/// # Errors
/// As [`read`].
pub fn read_opened(file: File, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |error: std::io::Error| Error::io("read", path, &error);
    let too_large = || Error::FileTooLarge { path: path.to_owned(), limit };
    let length = file.metadata().map_err(failed)?.len();
    if length > limit {
        return Err(too_large());
    }
    // One more byte of room: a vector that grows would leave a copy of its bytes in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Writes an output, or nothing. [`output_file`] says what happens to what is already there.
///
/// # Errors
/// [`Error::Io`]. A regular file is then unchanged.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Error> {
    let written = output_file::write(path, bytes, readers, Existing::Replace);
    written.map_err(|error| Error::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn rejects_files_over_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [0; 10]).unwrap();
        assert_eq!(read(&path, 10).unwrap().len(), 10);
        assert_eq!(read(&path, 9).unwrap_err().code(), "too-large");
        // The length of this file is not known in advance.
        assert_eq!(read(Path::new("/dev/zero"), 9).unwrap_err().code(), "too-large");
        assert_eq!(read(&folder.path().join("none"), 9).unwrap_err().code(), "no-such-file");
    }
}
