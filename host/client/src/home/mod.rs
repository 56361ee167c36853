//! The user's folders, with one file for each kind of state.
//!
//! Files are JSON with a version, have the mode 0600, and are replaced atomically. Unknown and repeated fields are
//! rejected, and so are files that others can read or change. A lock serialises processes that run at the same time. A
//! file that cannot be read is never changed.

pub mod accepted;
pub mod backups;
pub mod catalogue;
pub mod contacts;
pub mod folders;
pub mod identity;
pub mod seen;
pub mod settings;
pub(crate) mod state_files;
pub mod statements;
pub mod trust;

use crate::error::Error;
use crate::files::{self, check_private, not_private};
use crate::values::OwnerText;
use capelet_cli::output_file::Readers;
use capelet_cli::private_file::{self, CHANGED_BY_OTHERS, Links, OpenError, READ_BY_OTHERS};
use enclave_core::OwnerKey;
use folders::{Folders, Layout, Place};
use rustix::fs::OFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The version of every file but the identity. Version 1 did not say which image sealed an object.
const VERSION: u64 = 2;
/// The largest file, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// The time limit for waiting for another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// The state in one file.
pub trait State: Default + Serialize + DeserializeOwned {
    /// Where the file lies.
    const PLACE: Place;
}

/// A state that belongs to one identity. Read under another identity, it would mislead: its epochs and texts are another
/// owner's.
pub trait OwnedState: State {
    /// The owner. `None` before the first change, and in files of clients that did not record it.
    fn owner(&self) -> Option<OwnerKey>;

    /// Records the owner.
    fn set_owner(&mut self, owner: OwnerKey);
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned<S> {
    version: u64,
    content: S,
}

#[derive(Deserialize)]
struct Probe {
    version: u64,
}

/// The user's folders.
#[derive(Clone, Debug)]
pub struct Home {
    folders: Folders,
}

/// The lock that each change of a state takes.
pub(crate) const LOCK: Place = Place::state("lock");
/// The lock that prevents two processes from making vault keys at the same time.
pub(crate) const VAULT_LOCK: Place = Place::state("vault.lock");
/// The folder of receipts, inside the folder for data.
pub(crate) const RECEIPTS: Place = Place::data("receipts");

/// A lock on files of the folders. It is held until this value is dropped.
pub struct Lock {
    _file: File,
}

impl Home {
    /// The folders, of which none need exist.
    ///
    /// # Errors
    /// [`Error::NotYours`] or [`Error::Permissions`] if others own or can change one of them; [`Error::Io`].
    pub fn new(folders: Folders) -> Result<Self, Error> {
        folders.paths().into_iter().try_for_each(check_folder)?;
        Ok(Self { folders })
    }

    /// Like [`Home::new`], but nothing was checked. Only a check of the folders themselves needs this.
    pub fn unchecked(folders: Folders) -> Self {
        Self { folders }
    }

    /// One folder for everything, which need not exist.
    ///
    /// # Errors
    /// As [`Home::new`].
    pub fn at(path: PathBuf) -> Result<Self, Error> {
        Self::new(Folders::one(path, Layout::Named))
    }

    /// Where the folders are.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The path of a place, which need not exist.
    pub fn file(&self, place: Place) -> PathBuf {
        self.folders.file(place)
    }

    /// Reads a state. If its file does not exist, returns the default.
    ///
    /// # Errors
    /// [`Error::Damaged`] for an invalid file; [`Error::Newer`] or [`Error::Older`] for one of another client version;
    /// [`Error::FileTooLarge`]; [`Error::Io`].
    pub fn load<S: State>(&self) -> Result<S, Error> {
        Ok(read_json(&self.file(S::PLACE))?.unwrap_or_default())
    }

    /// Changes a state under the lock. If `change` fails or changes nothing, nothing is written.
    ///
    /// # Errors
    /// Those of `change`, [`Home::load`] and [`Home::lock`]; [`Error::Io`] if the file cannot be written.
    pub fn update<S: State, R>(&self, change: impl FnOnce(&mut S) -> Result<R, Error>) -> Result<R, Error> {
        let _lock = self.lock(LOCK)?;
        let path = self.file(S::PLACE);
        let old = read_json::<S>(&path)?;
        let before = old.as_ref().map(|old| encode(&path, old)).transpose()?;
        let mut state = old.unwrap_or_default();
        let result = change(&mut state)?;
        let after = encode(&path, &state)?;
        if before.as_ref() != Some(&after) {
            self.write(S::PLACE, &after)?;
        }
        Ok(result)
    }

    /// Replaces the file at a place. The folder in which it lies is created unless it exists.
    fn write(&self, place: Place, bytes: &[u8]) -> Result<(), Error> {
        make(self.folders.path(place.folder))?;
        files::write(&self.file(place), bytes, Readers::Owner)
    }

    /// Like [`Home::load`], for a state of this identity.
    ///
    /// # Errors
    /// [`Error::OfAnotherIdentity`] if the file belongs to another identity; those of [`Home::load`].
    pub fn load_of<S: OwnedState>(&self, owner: &OwnerKey) -> Result<S, Error> {
        let state = self.load::<S>()?;
        self.check_owner(&state, owner)?;
        Ok(state)
    }

    /// Like [`Home::update`], for a state of this identity, which is recorded in the file.
    ///
    /// # Errors
    /// [`Error::OfAnotherIdentity`] if the file belongs to another identity; those of [`Home::update`].
    pub fn update_of<S: OwnedState, R>(
        &self,
        owner: &OwnerKey,
        change: impl FnOnce(&mut S) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.update(|state: &mut S| {
            self.check_owner(state, owner)?;
            state.set_owner(*owner);
            change(state)
        })
    }

    fn check_owner<S: OwnedState>(&self, state: &S, owner: &OwnerKey) -> Result<(), Error> {
        match state.owner() {
            Some(other) if other != *owner => {
                Err(Error::OfAnotherIdentity { path: self.file(S::PLACE), owner: OwnerText(other) })
            }
            _ => Ok(()),
        }
    }

    /// Takes a lock. Waits while another process holds it.
    ///
    /// # Errors
    /// [`Error::Locked`] after ten seconds; [`Error::NotYours`] or [`Error::Permissions`] if others own or can change
    /// the folder; [`Error::Io`].
    pub fn lock(&self, place: Place) -> Result<Lock, Error> {
        let folder = self.folders.path(place.folder);
        make(folder)?;
        let path = self.file(place);
        let failed = |error: io::Error| Error::io("lock", &path, &error);
        let mut options = OpenOptions::new();
        // A link is an error, and opening a FIFO does not wait.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        options.create(true).append(true).mode(0o600).custom_flags(flags);
        let file = options.open(&path).map_err(failed)?;
        check_private(&path, &file.metadata().map_err(failed)?, CHANGED_BY_OTHERS, 0o600)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(Error::Locked(folder.to_owned())),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// Writes a file whose name follows from its content, such as a statement. Returns its path.
    ///
    /// # Errors
    /// Those of [`Home::file_in`]; [`Error::Io`].
    pub fn keep(&self, folder: Place, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.file_in(folder, name)?;
        files::write(&path, bytes, Readers::Owner)?;
        Ok(path)
    }

    /// The path of a file in a folder inside one of the three. Both folders are created unless they exist.
    ///
    /// # Errors
    /// [`Error::NotYours`] or [`Error::Permissions`] if others own or can change one of the two folders; [`Error::Io`].
    pub fn file_in(&self, folder: Place, name: &str) -> Result<PathBuf, Error> {
        make(self.folders.path(folder.folder))?;
        let folder = self.file(folder);
        make(&folder)?;
        Ok(folder.join(name))
    }
}

/// Checks that others neither own nor can change a folder. It need not exist.
///
/// # Errors
/// [`Error::NotYours`] or [`Error::Permissions`]; [`Error::Io`].
pub(crate) fn check_folder(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => {
            Err(Error::io("use as a folder", path, &io::ErrorKind::NotADirectory.into()))
        }
        Ok(metadata) => check_private(path, &metadata, CHANGED_BY_OTHERS, 0o700),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// Creates a folder with the mode 0700, unless it exists.
fn make(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    // Another process may have created it meanwhile.
    let metadata = made.and_then(|()| fs::metadata(folder)).map_err(|error| Error::io("make", folder, &error))?;
    check_private(folder, &metadata, CHANGED_BY_OTHERS, 0o700)
}

/// Opens a file of the folders, which only this user may read and change. `None` if it does not exist.
///
/// A link to nothing is an error. If it counted as no file, a new state would take the place of the one that it means.
fn open_private(path: &Path) -> Result<Option<File>, Error> {
    let failed = |error: io::Error| Error::io("read", path, &error);
    match private_file::open(path, Links::Follow, READ_BY_OTHERS) {
        Ok(file) => Ok(Some(file)),
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                Err(failed(error))
            } else {
                Ok(None)
            }
        }
        Err(OpenError::Io(error)) => Err(failed(error)),
        Err(OpenError::NotRegular) => Err(Error::NotAFile(path.to_owned())),
        Err(OpenError::NotPrivate(why)) => Err(not_private(path, why, 0o600)),
    }
}

/// Reads a file of the folders. `None` if it does not exist.
fn read_json<S: DeserializeOwned>(path: &Path) -> Result<Option<S>, Error> {
    let Some(file) = open_private(path)? else { return Ok(None) };
    let bytes = files::read_opened(file, path, MAX_FILE)?;
    let damaged = |_| Error::Damaged(path.to_owned());
    let probe: Probe = serde_json::from_slice(&bytes).map_err(damaged)?;
    match probe.version.cmp(&VERSION) {
        Ordering::Greater => Err(Error::Newer(path.to_owned())),
        Ordering::Less => Err(Error::Older(path.to_owned())),
        Ordering::Equal => Ok(Some(serde_json::from_slice::<Versioned<S>>(&bytes).map_err(damaged)?.content)),
    }
}

/// The bytes of a file of the folders.
fn encode<S: Serialize>(path: &Path, content: &S) -> Result<Vec<u8>, Error> {
    let failed = |error: serde_json::Error| Error::io("write", path, &error.into());
    let mut bytes = serde_json::to_vec_pretty(&Versioned { version: VERSION, content }).map_err(failed)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    #[derive(Default, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Counter {
        count: u64,
    }

    impl State for Counter {
        const PLACE: Place = Place::data("counter.json");
    }

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("a/b")).unwrap();
        (folder, home)
    }

    #[test]
    fn loses_no_change_of_concurrent_processes() {
        let (folder, home) = home();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        home.update(|counter: &mut Counter| {
                            counter.count += 1;
                            Ok(())
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(home.load::<Counter>().unwrap(), Counter { count: 40 });
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path().join("a/b")), mode(home.file(Counter::PLACE))), (0o700, 0o600));
    }

    #[test]
    fn writes_nothing_if_a_change_fails() {
        let (_folder, home) = home();
        let failed = home.update(|counter: &mut Counter| {
            counter.count = 9;
            Err::<(), _>(Error::NoUrl)
        });
        assert_eq!(failed, Err(Error::NoUrl));
        assert_eq!(home.load::<Counter>().unwrap().count, 0);
    }

    #[test]
    fn a_change_that_changes_nothing_writes_nothing() {
        let (_folder, home) = home();
        let inode = || fs::metadata(home.file(Counter::PLACE)).unwrap().ino();
        let count = |count| {
            let changed = home.update(|counter: &mut Counter| {
                counter.count = count;
                Ok(())
            });
            changed.unwrap();
            inode()
        };
        // The first change writes the file, even the default.
        let first = count(0);
        assert_eq!(count(0), first);
        assert_ne!(count(1), first);
    }

    #[test]
    fn reports_files_that_it_cannot_read_and_keeps_them() {
        let (_folder, home) = home();
        home.update(|_: &mut Counter| Ok(())).unwrap();
        let path = home.file(Counter::PLACE);
        let cases = [
            ("", "damaged-file"),
            ("{", "damaged-file"),
            (r#"{"version":2,"content":{"count":1},"more":1}"#, "damaged-file"),
            (r#"{"version":2,"content":{"count":1,"more":1}}"#, "damaged-file"),
            (r#"{"version":2,"content":{"count":1,"count":2}}"#, "damaged-file"),
            (r#"{"version":2,"content":{"count":1}} x"#, "damaged-file"),
            (r#"{"version":1,"content":{"count":1}}"#, "older-file"),
            (r#"{"version":3,"anything":{}}"#, "newer-file"),
        ];
        for (text, code) in cases {
            fs::write(&path, text).unwrap();
            assert_eq!(home.load::<Counter>().unwrap_err().code(), code, "{text}");
            assert_eq!(home.update(|_: &mut Counter| Ok(())).unwrap_err().code(), code, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn rejects_files_that_others_can_read_or_change() {
        let (_folder, home) = home();
        home.update(|_: &mut Counter| Ok(())).unwrap();
        let path = home.file(Counter::PLACE);
        for mode in [0o640, 0o604, 0o660, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(home.load::<Counter>().unwrap_err().code(), "bad-permissions", "{mode:o}");
            assert_eq!(home.update(|_: &mut Counter| Ok(())).unwrap_err().code(), "bad-permissions", "{mode:o}");
        }
    }

    #[test]
    fn neither_waits_for_a_fifo_nor_takes_what_is_no_file() {
        let (folder, home) = home();
        home.update(|_: &mut Counter| Ok(())).unwrap();
        let path = home.file(Counter::PLACE);
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(home.load::<Counter>().unwrap_err().code(), "not-a-file");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(home.load::<Counter>().unwrap_err().code(), "not-a-file");
        // The lock is not made through a link.
        let target = folder.path().join("target");
        fs::remove_file(home.file(LOCK)).unwrap();
        std::os::unix::fs::symlink(&target, home.file(LOCK)).unwrap();
        assert!(home.lock(LOCK).is_err() && !target.exists());
    }

    #[test]
    fn a_link_to_nothing_is_not_an_absent_file() {
        let (folder, home) = home();
        home.update(|_: &mut Counter| Ok(())).unwrap();
        let (path, target) = (home.file(Counter::PLACE), folder.path().join("elsewhere.json"));
        fs::rename(&path, &target).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert_eq!(home.load::<Counter>(), Ok(Counter::default()));
        fs::remove_file(&target).unwrap();
        assert_eq!(home.load::<Counter>().unwrap_err().code(), "no-such-file");
        assert_eq!(home.update(|_: &mut Counter| Ok(())).unwrap_err().code(), "no-such-file");
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[test]
    fn rejects_folder_that_others_can_change() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        assert_eq!(Home::at(folder.path().to_owned()).unwrap_err().code(), "bad-permissions");
    }
}
