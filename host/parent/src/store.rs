//! The enclave's objects as files in one folder. The parent does not interpret their contents.
//!
//! ```text
//! lock                                  locked while a process uses the store
//! layout                                the marker of this layout, written first
//! incoming/N                            bodies that are still arriving; removed at start
//! KIND/OWNER/ID-VERSION                 one object: 2, 64, 32 and 16 digits, lower-case hexadecimal
//! ```
//!
//! A body is written and synced under `incoming`, then linked to its name. The link makes the whole object visible at
//! once, and it fails if the name is taken, so exactly one of two concurrent puts succeeds. The folder is synced before
//! anything is acknowledged. A process that is killed leaves at most files under `incoming`.

use crate::{Error, FolderFault, FolderPurpose, Links, OwnedFolder, open_private};
use capelet_cli::private_file::CHANGED_BY_OTHERS;
use enclave_core::encoding::hex;
use enclave_core::parent::{ListEntry, MAX_LISTED, StoreKey, StoreKind};
use enclave_core::{ObjectId, OwnerKey};
use std::collections::BinaryHeap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The marker of this layout. Layout 1 had none. Its objects do not name the image that sealed them, and no enclave reads
/// them.
const STORE: FolderPurpose =
    FolderPurpose { name: "a store", marker: "layout", content: b"capelet store 2\n", may_precede: |_| false };
const KINDS: [StoreKind; 3] = [StoreKind::Function, StoreKind::VaultKey, StoreKind::Statement];

/// An open store. While a process has one, no other process can open it. Any number of threads and of parents in this
/// process may share it.
pub struct Store {
    folder: OwnedFolder,
    /// The next name under `incoming`.
    next: AtomicU64,
    /// Locked while an owner's folder is made, so that no thread relies on a folder that is not yet on the disk.
    owners: Mutex<()>,
}

/// The result of [`Incoming::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The body is stored, and on the disk.
    Done,
    /// Another body is already stored under the key, and was not changed.
    Exists,
}

impl Store {
    /// Opens the store in this folder. It creates the folder if it does not exist, and removes bodies that were still
    /// arriving when the store was last used.
    ///
    /// # Errors
    /// [`Error::StoreInUse`] if another process uses it, [`Error::StoreLayout`] if it has another layout,
    /// [`Error::ForeignFolder`] if it has files and is not a store, [`Error::NotPrivate`] if other users can change it,
    /// [`Error::Store`] if the folder cannot be used. A folder that is refused is unchanged.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Store { path: folder.to_owned(), source };
        let folder = OwnedFolder::open(folder, &STORE).map_err(|fault| match fault {
            FolderFault::InUse => Error::StoreInUse(folder.to_owned()),
            FolderFault::OtherMarker => Error::StoreLayout(folder.to_owned()),
            // Layout 1 had no marker.
            FolderFault::Foreign(_) if KINDS.iter().any(|kind| folder.join(name_of(*kind)).is_dir()) => {
                Error::StoreLayout(folder.to_owned())
            }
            FolderFault::Unusable(Error::File { source, .. }) => unusable(source),
            fault => fault.into_error(folder, &STORE),
        })?;
        prepare(folder.path()).map_err(unusable)?;
        Ok(Self { folder, next: AtomicU64::new(0), owners: Mutex::new(()) })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Begins to receive a body. It is not visible under any key until it is placed.
    ///
    /// # Errors
    /// The operating system's error if the file cannot be made.
    pub fn begin(&self) -> io::Result<Incoming<'_>> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let path = self.folder().join("incoming").join(name);
        let file = private().create_new(true).open(&path)?;
        Ok(Incoming { store: self, file, path })
    }

    /// What is stored under the key, and its length in bytes. `None` if nothing is.
    ///
    /// # Errors
    /// The operating system's error if the file exists and cannot be opened.
    pub fn get(&self, key: &StoreKey) -> io::Result<Option<(File, u64)>> {
        match open_private(&self.path(key), Links::Refuse, CHANGED_BY_OTHERS) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Some((file, length)))
            }
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(Error::File { source, .. }) => Err(source),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// The first [`MAX_LISTED`] ids and versions behind `after`, ascending. No body is opened, and no more than these
    /// are held in memory, however many there are.
    ///
    /// # Errors
    /// The operating system's error if the owner's folder exists and cannot be read.
    pub fn list(&self, kind: StoreKind, owner: &OwnerKey, after: Option<ListEntry>) -> io::Result<Vec<ListEntry>> {
        let files = match fs::read_dir(self.owner(kind, owner)) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut first = BinaryHeap::with_capacity(MAX_LISTED + 1);
        for file in files {
            let Some(entry) = entry(file?.file_name().as_encoded_bytes()) else { continue };
            if after.is_some_and(|after| entry <= after) {
                continue;
            }
            first.push(entry);
            if first.len() > MAX_LISTED {
                first.pop();
            }
        }
        Ok(first.into_sorted_vec())
    }

    /// Deletes what is stored under the key, if something is. When this returns, the deletion is on the disk.
    ///
    /// # Errors
    /// The operating system's error if the file cannot be removed, or the folder cannot be synced.
    pub fn delete(&self, key: &StoreKey) -> io::Result<()> {
        match fs::remove_file(self.path(key)) {
            // It is already gone, but the thread that removed it may not have synced the folder yet.
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => match sync(&self.owner(key.kind, &key.owner)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn owner(&self, kind: StoreKind, owner: &OwnerKey) -> PathBuf {
        self.folder().join(name_of(kind)).join(hex(owner.as_bytes()))
    }

    fn path(&self, key: &StoreKey) -> PathBuf {
        let name = format!("{}-{:016x}", hex(key.id.as_bytes()), key.version);
        self.owner(key.kind, &key.owner).join(name)
    }

    fn make_owner(&self, key: &StoreKey) -> io::Result<PathBuf> {
        let path = self.owner(key.kind, &key.owner);
        let _one_at_a_time = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        make_folder(&path)?;
        Ok(path)
    }
}

/// A body that is arriving. Dropping it before it is placed removes it.
pub struct Incoming<'a> {
    store: &'a Store,
    file: File,
    path: PathBuf,
}

impl Incoming<'_> {
    /// Appends bytes to the body.
    ///
    /// # Errors
    /// The operating system's error if the file cannot be written, for example because the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Stores the body under the key if nothing is stored there. When this returns, the result is on the disk.
    ///
    /// # Errors
    /// The operating system's error. The body may then be stored or not, but never in part.
    pub fn put(self, key: &StoreKey) -> io::Result<Placed> {
        self.file.sync_all()?;
        let owner = self.store.make_owner(key)?;
        let placed = match fs::hard_link(&self.path, self.store.path(key)) {
            Ok(()) => Placed::Done,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Placed::Exists,
            Err(error) => return Err(error),
        };
        // Synced also if the name is taken, because the thread that put that body may not have synced yet.
        sync(&owner)?;
        Ok(placed)
    }

    /// Stores the body under the key and replaces what is stored there. When this returns, the result is on the disk.
    ///
    /// # Errors
    /// The operating system's error. The key then has its previous body or this one, never a part.
    pub fn replace(self, key: &StoreKey) -> io::Result<()> {
        self.file.sync_all()?;
        let owner = self.store.make_owner(key)?;
        fs::rename(&self.path, self.store.path(key))?;
        sync(&owner)
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        // After a rename the file does not exist here. A file that cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// The name of the folder with the objects of a kind.
fn name_of(kind: StoreKind) -> String {
    hex(&[kind as u8])
}

/// Removes the bodies in `incoming` and makes the folders of the kinds. It syncs folders that a killed process may have
/// made, so that everything that is visible in the store from now on is on the disk.
fn prepare(folder: &Path) -> io::Result<()> {
    let incoming = folder.join("incoming");
    make_folder(&incoming)?;
    for body in fs::read_dir(&incoming)? {
        let body = body?;
        // Only what has a name that this program gives.
        if body.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            fs::remove_file(body.path())?;
        }
    }
    for kind in KINDS {
        let path = folder.join(name_of(kind));
        make_folder(&path)?;
        sync(&path)?;
    }
    sync(folder)
}

/// Makes a folder and those above it if they do not exist, then syncs the folder that contains it.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    match path.parent() {
        Some(parent) if parent != Path::new("") => sync(parent),
        _ => sync(Path::new(".")),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// The entry whose file has this name. `None` if the store does not use such names.
fn entry(name: &[u8]) -> Option<ListEntry> {
    let (id, version) = name.split_at_checked(32)?;
    let version = version.strip_prefix(b"-").filter(|digits| digits.len() == 16)?;
    let mut bytes = [0; 16];
    for (byte, digits) in bytes.iter_mut().zip(id.chunks_exact(2)) {
        *byte = u8::try_from(number(digits)?).ok()?;
    }
    Some(ListEntry { id: ObjectId::new(bytes), version: number(version)? })
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(digit))
    })
}
