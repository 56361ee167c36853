//! Reads files and standard input up to a limit, and writes files.

use crate::error::{Error, Stream};
use crate::large_buffer::LargeBuffer;
use capelet_cli::arguments::STDIN;
use capelet_cli::output_file::{self, Existing, Readers};
use capelet_cli::private_file::{self, NotPrivate, READ_BY_OTHERS};
use capelet_cli::streams;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

/// Whether standard input was opened. What was read once is gone.
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// An opened file, or standard input.
pub struct Source {
    bytes: Box<dyn Read>,
    /// The length of a regular file, in bytes. `None` if the length is not known before the end.
    length: Option<u64>,
    /// The file's path. `None` for standard input.
    path: Option<PathBuf>,
}

impl Source {
    /// Opens a file, or standard input if `path` is `-`.
    ///
    /// # Errors
    /// [`Error::Io`]; those of [`Source::stdin`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        if is_stdin(path) {
            return Self::stdin();
        }
        Self::opened(File::open(path).map_err(|error| Error::io("read", path, &error))?, path)
    }

    /// Opens a file that contains a secret, or standard input if `path` is `-`. Others must be able neither to read nor to
    /// change a regular file. A pipe has no readers beside its own.
    ///
    /// # Errors
    /// [`Error::NotYours`] or [`Error::Permissions`]; those of [`Source::open`].
    pub fn open_secret(path: &Path) -> Result<Self, Error> {
        if is_stdin(path) {
            return Self::stdin();
        }
        let failed = |error| Error::io("read", path, &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() {
            check_private(path, &metadata, READ_BY_OTHERS, 0o600)?;
        }
        Self::opened(file, path)
    }

    /// An open file. `path` is for errors.
    ///
    /// # Errors
    /// [`Error::Io`], also for a folder.
    pub fn opened(file: File, path: &Path) -> Result<Self, Error> {
        let failed = |error: &io::Error| Error::io("read", path, error);
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if metadata.is_dir() {
            return Err(failed(&io::ErrorKind::IsADirectory.into()));
        }
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self { bytes: Box::new(file), length, path: Some(path.to_owned()) })
    }

    /// Standard input.
    ///
    /// # Errors
    /// [`Error::Pipe`] if it is closed; [`Error::Argument`] if it was opened before.
    pub fn stdin() -> Result<Self, Error> {
        if STDIN_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(Error::Argument {
                name: "-",
                want: "given only once, because standard input is read only once",
            });
        }
        let bytes = streams::input().map_err(|error| Error::pipe(Stream::Input, &error))?;
        Ok(Self { bytes: Box::new(bytes), length: None, path: None })
    }

    /// The length of a regular file, in bytes. `None` if the length is not known before the end.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The error for a failed read.
    pub fn failed(path: Option<&Path>, error: &io::Error) -> Error {
        path.map_or_else(|| Error::pipe(Stream::Input, error), |path| Error::io("read", path, error))
    }

    /// The file's path. `None` for standard input.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Appends everything to `bytes`. A file of more than `limit` bytes is rejected before it is read.
    ///
    /// # Errors
    /// [`Error::FileTooLarge`] for more than `limit` bytes; [`Error::Io`] or [`Error::Pipe`].
    pub fn append_to(mut self, bytes: &mut Vec<u8>, limit: u64) -> Result<(), Error> {
        self.check(self.length.unwrap_or(0), limit)?;
        // One more byte of room: a vector that grows would leave a copy of its bytes in freed memory.
        bytes.reserve_exact(self.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0) + 1);
        let read = (&mut self.bytes).take(limit + 1).read_to_end(bytes);
        let count = read.map_err(|error| Self::failed(self.path(), &error))?;
        self.check(count as u64, limit)
    }

    /// Appends everything to a large buffer. A file of more than `limit` bytes is rejected before it is read.
    ///
    /// # Errors
    /// [`Error::FileTooLarge`] for more than `limit` bytes; [`Error::Io`] or [`Error::Pipe`].
    pub fn append_to_large(mut self, buffer: &mut LargeBuffer, limit: u64) -> Result<(), Error> {
        self.check(self.length.unwrap_or(0), limit)?;
        let before = buffer.len();
        loop {
            match buffer.room().and_then(|room| self.bytes.read(room)) {
                Ok(0) => return Ok(()),
                Ok(count) => buffer.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Self::failed(self.path(), &error)),
            }
            self.check((buffer.len() - before) as u64, limit)?;
        }
    }

    fn check(&self, length: u64, limit: u64) -> Result<(), Error> {
        if length <= limit {
            return Ok(());
        }
        let path = self.path.clone().unwrap_or_else(|| "standard input".into());
        Err(Error::FileTooLarge { path, limit })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

/// Reads a file of at most `limit` bytes, or standard input if `path` is `-`.
///
/// # Errors
/// Those of [`Source::open`] and [`Source::append_to`].
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::default();
    Source::open(path)?.append_to(&mut bytes, limit)?;
    Ok(bytes)
}

/// Like [`read`], for an open file.
///
/// # Errors
/// Those of [`Source::opened`] and [`Source::append_to`].
pub fn read_opened(file: File, path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::default();
    Source::opened(file, path)?.append_to(&mut bytes, limit)?;
    Ok(bytes)
}

/// Writes an output, or nothing. [`output_file`] says what happens to what is already there.
///
/// # Errors
/// [`Error::Io`]. A regular file is then unchanged.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), Error> {
    let written = output_file::write(path, bytes, readers, Existing::Replace);
    written.map_err(|error| Error::io("write", path, &error))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new(STDIN)
}

/// Checks that a file or folder belongs to this user, and that its mode has none of the `forbidden` bits. `want` is the
/// mode that the error recommends.
///
/// # Errors
/// As [`not_private`].
pub(crate) fn check_private(path: &Path, metadata: &Metadata, forbidden: u32, want: u32) -> Result<(), Error> {
    private_file::check(metadata, forbidden).map_err(|why| not_private(path, why, want))
}

/// The error for a file or folder that others own, or can read or change.
pub(crate) fn not_private(path: &Path, why: NotPrivate, want: u32) -> Error {
    match why {
        NotPrivate::Owner(owner) => Error::NotYours { path: path.to_owned(), owner },
        NotPrivate::Mode(mode) => Error::Permissions { path: path.to_owned(), mode, want },
    }
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
        let mut joined = LargeBuffer::with_capacity(0).unwrap();
        joined.append(&[7; 3]).unwrap();
        let mut append = |path: &str, limit| Source::open(Path::new(path)).unwrap().append_to_large(&mut joined, limit);
        let path = path.to_str().unwrap();
        assert_eq!(append(path, 10), Ok(()));
        assert_eq!(append(path, 9).unwrap_err().code(), "too-large");
        assert_eq!(append("/dev/null", 0), Ok(()));
        assert_eq!(append("/dev/zero", 3 << 20).unwrap_err().code(), "too-large");
        assert_eq!(joined[..14], [7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
