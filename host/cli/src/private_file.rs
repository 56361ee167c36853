//! Files and folders that only this user may change, or also read.

use rustix::fs::OFlags;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The mode bits by which others can change a file or folder.
pub const CHANGED_BY_OTHERS: u32 = 0o022;
/// The mode bits by which others can read or change a file.
pub const READ_BY_OTHERS: u32 = 0o077;

/// Why a file or folder is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPrivate {
    /// It belongs to the user with this id.
    Owner(u32),
    /// Its mode, of which the forbidden bits are set.
    Mode(u32),
}

/// Checks that a file or folder belongs to the user of this process, and that its mode has none of the `forbidden` bits.
///
/// The metadata must come from the opened descriptor. Those of a path can belong to another file by the time it is
/// opened.
///
/// # Errors
/// [`NotPrivate`].
pub fn check(metadata: &Metadata, forbidden: u32) -> Result<(), NotPrivate> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::Owner(metadata.uid()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & forbidden != 0 { Err(NotPrivate::Mode(mode)) } else { Ok(()) }
}

/// What happens if the path of a file is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is followed. The file behind it is checked.
    Follow,
    /// It is refused.
    Refuse,
}

/// Why [`open`] opened no file.
#[derive(Debug)]
pub enum OpenError {
    /// The operating system refused.
    Io(io::Error),
    /// It is a folder, a FIFO or a device.
    NotRegular,
    /// Others own it, or can read or change it.
    NotPrivate(NotPrivate),
}

/// Opens a regular file for reading that passes [`check`]. All is checked on the descriptor that is returned.
///
/// # Errors
/// [`OpenError`].
pub fn open(path: &Path, links: Links, forbidden: u32) -> Result<File, OpenError> {
    let link = if links == Links::Refuse { OFlags::NOFOLLOW } else { OFlags::empty() };
    // Opening a FIFO must not wait for its other side.
    let flags = (link | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(OpenError::Io)?;
    let metadata = file.metadata().map_err(OpenError::Io)?;
    if !metadata.is_file() {
        return Err(OpenError::NotRegular);
    }
    check(&metadata, forbidden).map_err(OpenError::NotPrivate)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn rejects_files_that_others_can_read_or_change() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let with_mode = |mode| {
            set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            let metadata = file.as_file().metadata().unwrap();
            (check(&metadata, READ_BY_OTHERS), check(&metadata, CHANGED_BY_OTHERS))
        };
        assert_eq!(with_mode(0o600), (Ok(()), Ok(())));
        assert_eq!(with_mode(0o644), (Err(NotPrivate::Mode(0o644)), Ok(())));
        assert_eq!(with_mode(0o620), (Err(NotPrivate::Mode(0o620)), Err(NotPrivate::Mode(0o620))));
    }
}
