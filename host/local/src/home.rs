//! The folder of one installation: roots, KMS keys, store, sockets. All folders have mode 0700.

use crate::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// An open installation. While it exists, no other process can open the same folder.
pub struct Home {
    folder: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens `folder`, or the default folder, for this process alone.
    ///
    /// # Errors
    /// [`Error::NoHome`] if there is no default folder, [`Error::File`] if the folder cannot be created,
    /// [`Error::Running`] if another process has opened it.
    pub fn open(folder: Option<PathBuf>) -> Result<Self, Error> {
        let folder = folder.or_else(default_folder).ok_or(Error::NoHome)?;
        make_folder(&folder)?;
        let folder = folder.canonicalize().map_err(Error::file(&folder))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(Error::file(&path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| Error::Running(folder.clone()))?;
        Ok(Self { folder, _lock: lock })
    }

    /// The folder `name` in this one. Creates it if it does not exist.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be created.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.folder.join(name);
        make_folder(&folder)?;
        Ok(folder)
    }

    /// The path of `name` in this folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder for the sockets of this run. Removes the sockets of an earlier run that was killed.
    ///
    /// # Errors
    /// [`Error::File`] if the folder cannot be created or emptied.
    pub fn sockets(&self) -> Result<PathBuf, Error> {
        let folder = self.folder("run")?;
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let path = entry.map_err(Error::file(&folder))?.path();
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
        Ok(folder)
    }
}

fn default_folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("CAPELET_LOCAL_HOME")
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("capelet-local")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/capelet-local")))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file(folder))
}

/// Writes a file of mode 0600 atomically: after a crash it has either the old or the new content.
///
/// # Errors
/// [`Error::File`] if it cannot be written.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let fresh = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    written().map_err(Error::file(path))
}
