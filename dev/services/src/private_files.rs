//! Files and directories that only their owner can read, and atomic writing.

use crate::Error;
use capelet_cli::private_file::{CHANGED_BY_OTHERS, Links, OpenError, READ_BY_OTHERS, check, open};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The largest file that [`read`] accepts, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Makes a directory with mode 0700, and its parents. An existing directory stays as it is.
///
/// # Errors
/// [`Error::File`], [`Error::NotPrivate`] if it belongs to another user or others can change it.
pub fn make_directory(path: &Path) -> Result<(), Error> {
    let failed = |error| Error::File(path.to_path_buf(), error);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let metadata = File::open(path).and_then(|directory| directory.metadata()).map_err(failed)?;
    check(&metadata, CHANGED_BY_OTHERS).map_err(|_| Error::NotPrivate(path.to_path_buf(), "700"))
}

/// Reads a file of at most one mebibyte that [`create`] or [`replace`] wrote. A link is refused.
///
/// # Errors
/// [`Error::File`], [`Error::NotPrivate`] if it belongs to another user or others can read it.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::File(path.to_path_buf(), error);
    let file = open(path, Links::Refuse, READ_BY_OTHERS).map_err(|error| match error {
        OpenError::Io(error) => failed(error),
        OpenError::NotRegular => failed(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
        OpenError::NotPrivate(_) => Error::NotPrivate(path.to_path_buf(), "600"),
    })?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE { Err(failed(ErrorKind::FileTooLarge.into())) } else { Ok(bytes) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn reads_no_link_and_nothing_that_others_can_read() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("file"), directory.path().join("link"));
        create(&path, b"x").unwrap();
        assert_eq!(read(&path).unwrap(), b"x");
        symlink(&path, &link).unwrap();
        assert!(matches!(read(&link), Err(Error::File(..))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn refuses_a_directory_that_others_can_change() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        make_directory(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(make_directory(&path), Err(Error::NotPrivate(..))));
    }
}
