//! The folder of one embedded installation: roots, KMS keys, store, sockets. All of it 0700.

use crate::Error;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// See the module.
pub struct Home {
    folder: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens `folder`, or the usual one, for this process alone.
    pub fn open(folder: Option<PathBuf>) -> Result<Self, Error> {
        let folder = folder.or_else(usual).ok_or(Error::NoHome)?;
        make_folder(&folder)?;
        let folder = folder.canonicalize().map_err(Error::file(&folder))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(Error::file(&path))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| Error::Running(folder.clone()))?;
        Ok(Self { folder, _lock: lock })
    }

    /// A folder below, made if need be.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.folder.join(name);
        make_folder(&folder)?;
        Ok(folder)
    }

    /// A path below.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A folder for the sockets of this run: emptied of those of the run before, which may have been killed.
    pub fn sockets(&self) -> Result<PathBuf, Error> {
        let folder = self.folder("run")?;
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let path = entry.map_err(Error::file(&folder))?.path();
            fs::remove_file(&path).map_err(Error::file(&path))?;
        }
        Ok(folder)
    }
}

fn usual() -> Option<PathBuf> {
    let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("CAPELET_LOCAL_HOME")
        .or_else(|| named("XDG_STATE_HOME").map(|state| state.join("capelet-local")))
        .or_else(|| named("HOME").map(|home| home.join(".local/state/capelet-local")))
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file(folder))
}

/// Writes a file of mode 0600, whole or not at all.
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
