//! Reads files up to a limit, and replaces files atomically.

use crate::error::Error;
use crate::interrupt;
use std::fs::{self, File};
use std::io::{Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Who may read a file that this program writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Only the file's owner (mode 0600).
    Owner,
    /// Everyone whom the umask allows (mode 0666 without the umask).
    Umask,
}

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

/// Replaces a file by renaming a temporary file beside it. After a crash, either the whole new file or the old one exists.
///
/// # Errors
/// [`Error::Io`]. The old file is then unchanged.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Error> {
    let mut file = Pending::new(path, readers)?;
    file.write_all(bytes).map_err(|error| Error::io("write", path, &error))?;
    file.keep()
}

/// A file that is being written. If it is dropped or the program is interrupted, the temporary file is removed.
pub struct Pending<'a> {
    path: &'a Path,
    temporary: tempfile::NamedTempFile,
    _registered: interrupt::Registered,
}

impl<'a> Pending<'a> {
    /// Creates the temporary file for `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if the temporary file cannot be created.
    pub fn new(path: &'a Path, readers: Readers) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::io("write", path, &error);
        let folder = folder_of(path);
        let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
        let make = || {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".capelet-").permissions(fs::Permissions::from_mode(mode)).tempfile_in(folder)
        };
        let (temporary, registered) = interrupt::removed_on_interrupt(make).map_err(failed)?;
        Ok(Self { path, temporary, _registered: registered })
    }

    /// Syncs the file to disk and renames it to its path.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep(self) -> Result<(), Error> {
        let path = self.path;
        let failed = |error: &std::io::Error| Error::io("write", path, error);
        self.temporary.as_file().sync_all().map_err(|error| failed(&error))?;
        self.temporary.persist(path).map_err(|error| failed(&error.error))?;
        // The folder is synced too, so that the new name survives a crash.
        File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))
    }
}

impl Write for Pending<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.temporary.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_files_completely_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old", Readers::Owner).unwrap();
        let mut pending = Pending::new(&path, Readers::Owner).unwrap();
        pending.write_all(b"a part of it").unwrap();
        drop(pending);
        assert_eq!(read(&path, 100).unwrap().as_slice(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

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
