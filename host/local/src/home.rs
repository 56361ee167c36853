//! The folder of one installation: roots, KMS keys, store, sockets. All folders in it have mode 0700.

use crate::Error;
use capelet_parent::{FolderFault, FolderPurpose, OwnedFolder, Store, is_marked};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

/// The marker of the folder.
const HOME: FolderPurpose = FolderPurpose {
    name: "the folder of a capelet-local",
    marker: "layout",
    content: b"capelet-local 1\n",
    // A volume of its own for the store is mounted before the first start.
    may_precede: |name| name == "store",
};

/// An open installation. While it exists, no other process can open the same folder.
pub struct Home {
    /// An absolute path.
    path: PathBuf,
    /// The store in it.
    pub store: Arc<Store>,
    _folder: OwnedFolder,
}

impl Home {
    /// Opens `folder`, or the default folder, and the store in it for this process alone.
    ///
    /// # Errors
    /// [`Error::NoHome`] if there is no default folder, [`Error::Running`] if another process has opened it,
    /// [`Error::Parent`] if it or the store cannot be used or belongs to something else. At the first use, nothing was
    /// made in the folder then.
    pub fn open(folder: Option<PathBuf>) -> Result<Self, Error> {
        let folder = folder.or_else(default_folder).ok_or(Error::NoHome)?;
        let refused = |fault| match fault {
            FolderFault::InUse => Error::Running(folder.clone()),
            fault => fault.into_error(&folder, &HOME).into(),
        };
        // A store that is there before the first start may belong to something else. It is opened before the folder is
        // marked. Later the folder goes first, so that a second process finds the folder in use and not its store.
        let is_new = folder.is_dir() && !is_marked(&folder, &HOME).map_err(refused)?;
        let is_mounted = is_new && folder.join("store").symlink_metadata().is_ok();
        let mounted = is_mounted.then(|| open_store(&folder)).transpose()?;
        let opened = OwnedFolder::open(&folder, &HOME).map_err(refused)?;
        let store = mounted.map_or_else(|| open_store(&folder), Ok)?;
        let path = folder.canonicalize().map_err(Error::file(&folder))?;
        Ok(Self { path, store: Arc::new(store), _folder: opened })
    }

    /// The folder `name` in this one. Creates it if it does not exist.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be created.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.path.join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::file(&folder)(error)),
            _ => Ok(folder),
        }
    }

    /// The path of `name` in this folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder for the sockets of this run. Removes the sockets of an earlier run that was killed.
    ///
    /// # Errors
    /// [`Error::File`] if the folder cannot be created, or if it has something else than sockets.
    pub fn sockets(&self) -> Result<PathBuf, Error> {
        let folder = self.folder("run")?;
        for entry in fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let entry = entry.map_err(Error::file(&folder))?;
            if !entry.file_type().map_err(Error::file(&folder))?.is_socket() {
                return Err(Error::NotASocket(entry.path()));
            }
            fs::remove_file(entry.path()).map_err(Error::file(&entry.path()))?;
        }
        Ok(folder)
    }
}

fn open_store(folder: &Path) -> Result<Store, Error> {
    let folder = folder.canonicalize().map_err(Error::file(folder))?;
    Ok(Store::open(&folder.join("store"))?)
}

fn default_folder() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("CAPELET_LOCAL_HOME")
        .or_else(|| variable("XDG_STATE_HOME").map(|state| state.join("capelet-local")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/capelet-local")))
}

/// Writes a file of mode 0600 atomically: after a crash it has either the old or the new content.
///
/// # Errors
/// [`Error::Parent`] if it cannot be written.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    Ok(capelet_parent::write_private(path, content)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn removes_sockets_of_an_earlier_run_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let sockets = home.sockets().unwrap();
        drop(UnixListener::bind(sockets.join("8000")).unwrap());
        assert_eq!(fs::read_dir(home.sockets().unwrap()).unwrap().count(), 0);
        fs::write(sockets.join("notes"), b"x").unwrap();
        assert!(matches!(home.sockets(), Err(Error::NotASocket(path)) if path == home.path("run/notes")));
        assert_eq!(fs::read(sockets.join("notes")).unwrap(), b"x");
    }

    #[test]
    fn refuses_a_folder_of_something_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(folder.path().join("run/notes"), b"x").unwrap();
        let error = Home::open(Some(folder.path().to_owned())).err().unwrap();
        assert_eq!(error.code(), "foreign-folder");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(folder.path().join("run/notes")).unwrap(), b"x");
    }

    #[test]
    fn refuses_a_store_of_something_else_before_it_makes_anything() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        fs::create_dir(&store).unwrap();
        fs::write(store.join("mydata"), b"x").unwrap();
        let error = Home::open(Some(folder.path().to_owned())).err().unwrap();
        assert_eq!(error.code(), "foreign-folder");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&store).unwrap().count(), 1);
        // An empty volume for the store is taken.
        fs::remove_file(store.join("mydata")).unwrap();
        Home::open(Some(folder.path().to_owned())).unwrap();
    }

    #[test]
    fn only_one_process_opens_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().to_owned())).unwrap();
        assert!(matches!(Home::open(Some(folder.path().to_owned())), Err(Error::Running(_))));
        drop(home);
        Home::open(Some(folder.path().to_owned())).unwrap();
    }
}
