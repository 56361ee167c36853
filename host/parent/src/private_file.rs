//! Files that only this user may change, or also read: state that this program wrote, and credentials.

use crate::Error;
use crate::bounded_file::read_opened;
use capelet_cli::private_file::{OpenError, open};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub use capelet_cli::private_file::Links;

/// Opens a regular file for reading. It must belong to the user of this process, and its mode must have none of the
/// `forbidden` bits. All is checked on the descriptor that is returned.
///
/// # Errors
/// [`Error::File`] if it cannot be opened or is not a regular file, [`Error::NotPrivate`] for its owner or mode.
pub fn open_private(path: &Path, links: Links, forbidden: u32) -> Result<File, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    open(path, links, forbidden).map_err(|error| match error {
        OpenError::Io(source) => failed(source),
        OpenError::NotRegular => failed(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
        OpenError::NotPrivate(why) => Error::NotPrivate { path: path.to_owned(), why },
    })
}

/// Reads a file of at most `limit` bytes, which [`open_private`] opens.
///
/// # Errors
/// Those of [`open_private`], and [`Error::FileTooLarge`].
pub fn read_private(path: &Path, limit: usize, links: Links, forbidden: u32) -> Result<Vec<u8>, Error> {
    read_opened(open_private(path, links, forbidden)?, path, limit)
}

/// Writes a file of mode 0600 in a folder that only this user can change. A reader sees the previous file or this one,
/// never a part, and after a crash it is one of the two. A link at the path is replaced, not followed.
///
/// # Errors
/// [`Error::File`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    let write = || -> io::Result<()> {
        match fs::remove_file(fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // `create_new` is O_CREAT with O_EXCL, which follows no link.
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(fresh, path)
    };
    write().map_err(|source| Error::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_cli::private_file::{CHANGED_BY_OTHERS, READ_BY_OTHERS};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn refuses_files_that_others_can_read_or_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"x").unwrap();
        let read = |mode, forbidden| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read_private(&path, 1, Links::Refuse, forbidden)
        };
        for mode in [0o640, 0o604, 0o644, 0o620, 0o601] {
            let error = read(mode, READ_BY_OTHERS).unwrap_err();
            assert_eq!(error.code(), "not-private");
            let text = error.to_string();
            assert!(text.contains(&format!("{mode:04o}")) && text.contains("chmod 600"), "{text}");
        }
        for mode in [0o600, 0o400] {
            assert_eq!(read(mode, READ_BY_OTHERS).unwrap(), b"x");
        }
        assert_eq!(read(0o644, CHANGED_BY_OTHERS).unwrap(), b"x");
        assert_eq!(read(0o664, CHANGED_BY_OTHERS).unwrap_err().code(), "not-private");
    }

    #[test]
    fn does_not_wait_for_a_fifo_and_follows_links_only_if_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, fifo) = (folder.path().join("file"), folder.path().join("link"), folder.path().join("fifo"));
        write_private(&file, b"x").unwrap();
        symlink(&file, &link).unwrap();
        assert!(matches!(read_private(&link, 1, Links::Refuse, READ_BY_OTHERS), Err(Error::File { .. })));
        assert_eq!(read_private(&link, 1, Links::Follow, READ_BY_OTHERS).unwrap(), b"x");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(matches!(read_private(&fifo, 1, Links::Follow, READ_BY_OTHERS), Err(Error::File { .. })));
    }

    #[test]
    fn replaces_links_in_place_of_a_file_and_of_its_new_content() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("file"), folder.path().join("victim"));
        fs::write(&victim, b"kept").unwrap();
        symlink(&victim, &path).unwrap();
        symlink(&victim, folder.path().join("file.new")).unwrap();
        write_private(&path, b"new").unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file() && metadata.mode() & 0o7777 == 0o600);
        assert_eq!((fs::read(&path).unwrap(), fs::read(&victim).unwrap()), (b"new".to_vec(), b"kept".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
