//! Folders whose files this program writes and removes by itself.
//!
//! The program marks such a folder when it first uses it. A folder that has files and no marker belongs to something else
//! and is refused, so that nothing in it is removed.

use crate::Error;
use crate::private_file::{Links, open_private, read_private, write_private};
use capelet_cli::private_file::{CHANGED_BY_OTHERS, check};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file that is locked while a process uses the folder.
const LOCK: &str = "lock";

/// What a folder is for.
#[derive(Clone, Copy, Debug)]
pub struct FolderPurpose {
    /// What an error calls such a folder: `a store`.
    pub name: &'static str,
    /// The name of the marker.
    pub marker: &'static str,
    /// The content of the marker.
    pub content: &'static [u8],
    /// Whether a file with this name can be there before the folder is marked, because another program puts it there.
    pub may_precede: fn(&str) -> bool,
}

/// A folder that this process alone uses. The kernel unlocks it when the process ends, even if it is killed.
#[derive(Debug)]
pub struct OwnedFolder {
    path: PathBuf,
    _lock: File,
}

/// Why a folder is not used.
#[derive(Debug)]
pub enum FolderFault {
    /// Another process uses it.
    InUse,
    /// The marker has another content.
    OtherMarker,
    /// It has no marker, and contains this file or folder.
    Foreign(String),
    /// It cannot be used, or other users can change what is in it.
    Unusable(Error),
}

impl From<Error> for FolderFault {
    fn from(error: Error) -> Self {
        Self::Unusable(error)
    }
}

impl FolderFault {
    /// The error for a folder for which no more specific one exists.
    pub fn into_error(self, folder: &Path, purpose: &FolderPurpose) -> Error {
        let (folder, purpose) = (folder.to_owned(), purpose.name);
        match self {
            Self::InUse => Error::FolderInUse { folder, purpose },
            Self::OtherMarker => Error::FolderVersion { folder, purpose },
            Self::Foreign(entry) => Error::ForeignFolder { folder, purpose, entry },
            Self::Unusable(error) => error,
        }
    }
}

impl OwnedFolder {
    /// Opens a folder for this process alone. It creates the folder if it does not exist, and marks it at the first use.
    ///
    /// # Errors
    /// [`FolderFault`]. A folder that is refused is unchanged.
    pub fn open(path: &Path, purpose: &FolderPurpose) -> Result<Self, FolderFault> {
        make_folder(path)?;
        // Twice: without the lock, because locking creates a file, and with it, because another process may have marked
        // the folder meanwhile.
        is_marked(path, purpose)?;
        let lock = lock(&path.join(LOCK))?;
        if !is_marked(path, purpose)? {
            write_private(&path.join(purpose.marker), purpose.content)?;
            sync(path)?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether the folder has the marker of this purpose. `false` if it has none and nothing else either.
///
/// # Errors
/// [`FolderFault`], except that another process may be using the folder.
pub fn is_marked(folder: &Path, purpose: &FolderPurpose) -> Result<bool, FolderFault> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let metadata = File::open(folder).and_then(|folder| folder.metadata()).map_err(failed)?;
    if !metadata.is_dir() {
        return Err(failed(ErrorKind::NotADirectory.into()).into());
    }
    check(&metadata, CHANGED_BY_OTHERS).map_err(|why| Error::NotPrivate { path: folder.to_owned(), why })?;
    match read_private(&folder.join(purpose.marker), purpose.content.len(), Links::Refuse, CHANGED_BY_OTHERS) {
        Ok(content) if content == purpose.content => return Ok(true),
        Ok(_) | Err(Error::FileTooLarge { .. }) => return Err(FolderFault::OtherMarker),
        Err(Error::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let unfinished = format!("{}.new", purpose.marker);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // The first process was killed before it had marked the folder.
        let begun = || {
            let content = read_private(&entry.path(), purpose.content.len(), Links::Refuse, CHANGED_BY_OTHERS);
            content.is_ok_and(|content| purpose.content.starts_with(&content))
        };
        let locked = || entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        // The root of a new ext4 volume has this folder (ext4(5)).
        let found = || entry.file_type().is_ok_and(|kind| kind.is_dir());
        let known = (name == LOCK && locked())
            || (name == unfinished && begun())
            || (name == "lost+found" && found())
            || (purpose.may_precede)(&name);
        if !known {
            return Err(FolderFault::Foreign(name.into_owned()));
        }
    }
    Ok(false)
}

fn lock(path: &Path) -> Result<File, FolderFault> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut options = File::options();
    options.create_new(true).write(true).mode(0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error).into()),
        _ => {}
    }
    let lock = open_private(path, Links::Refuse, CHANGED_BY_OTHERS)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FolderFault::InUse),
        Err(TryLockError::Error(source)) => Err(failed(source).into()),
    }
}

/// Makes a folder and those above it if they do not exist, then syncs the folder that contains it.
fn make_folder(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| match error.kind() {
        // A file, or a link to nothing.
        ErrorKind::AlreadyExists => failed(ErrorKind::NotADirectory.into()),
        _ => failed(error),
    })?;
    sync(path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))
}

fn sync(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| Error::File { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const PURPOSE: FolderPurpose =
        FolderPurpose { name: "a test", marker: "mark", content: b"content\n", may_precede: |name| name == "socket" };

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn marks_a_folder_at_the_first_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let opened = OwnedFolder::open(&path, &PURPOSE).unwrap();
        assert!(matches!(OwnedFolder::open(&path, &PURPOSE), Err(FolderFault::InUse)));
        drop(opened);
        fs::write(path.join("whatever"), b"").unwrap();
        OwnedFolder::open(&path, &PURPOSE).unwrap();
        assert_eq!(fs::read(path.join("mark")).unwrap(), b"content\n");
        let other = FolderPurpose { content: b"content 2\n", ..PURPOSE };
        assert!(matches!(OwnedFolder::open(&path, &other), Err(FolderFault::OtherMarker)));
    }

    #[test]
    fn refuses_a_folder_of_something_else_and_leaves_it_unchanged() {
        for name in ["file", "mark.new", "lock"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), b"foreign").unwrap();
            let refused = OwnedFolder::open(folder.path(), &PURPOSE);
            assert!(matches!(&refused, Err(FolderFault::Foreign(entry)) if entry == name), "{refused:?}");
            assert_eq!(names(folder.path()), [name]);
        }
    }

    #[test]
    fn marks_the_root_of_a_new_volume() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lost+found")).unwrap();
        OwnedFolder::open(folder.path(), &PURPOSE).unwrap();
        assert_eq!(names(folder.path()), ["lock", "lost+found", "mark"]);
    }

    #[test]
    fn goes_on_after_a_process_that_was_killed_at_the_first_use() {
        for content in [&b""[..], b"cont", b"content\n"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("lock"), b"").unwrap();
            fs::write(folder.path().join("mark.new"), content).unwrap();
            fs::write(folder.path().join("socket"), b"").unwrap();
            OwnedFolder::open(folder.path(), &PURPOSE).unwrap();
            assert_eq!(names(folder.path()), ["lock", "mark", "socket"]);
        }
    }

    #[test]
    fn refuses_a_folder_that_others_can_change_and_markers_that_are_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open");
        fs::create_dir(&path).unwrap();
        for mode in [0o770, 0o707] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = OwnedFolder::open(&path, &PURPOSE);
            assert!(matches!(refused, Err(FolderFault::Unusable(Error::NotPrivate { .. }))), "{refused:?}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("elsewhere"), b"content\n").unwrap();
        symlink(folder.path().join("elsewhere"), path.join("mark")).unwrap();
        let refused = OwnedFolder::open(&path, &PURPOSE);
        assert!(matches!(refused, Err(FolderFault::Unusable(Error::File { .. }))), "{refused:?}");
    }
}
