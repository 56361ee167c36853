//! The user's three folders, after the XDG Base Directory Specification: configuration, data and state apart.

use crate::error::Error;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One of the three folders. What the loss of a file means decides to which it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// What the user chose: settings, pins, contacts.
    Config,
    /// What nobody can make again: the identity, its catalogue, accepted texts, receipts.
    Data,
    /// What the client remembers or can fetch again: the highest epochs seen, statements, locks.
    State,
}

impl Folder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Config, Self::Data, Self::State];

    /// The variable that names the folder's parent, and the parent below the user's home without it.
    const fn parent(self) -> (&'static str, &'static str) {
        match self {
            Self::Config => ("XDG_CONFIG_HOME", ".config"),
            Self::Data => ("XDG_DATA_HOME", ".local/share"),
            Self::State => ("XDG_STATE_HOME", ".local/state"),
        }
    }
}

/// Where a file lies, or a folder of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which of the three folders.
    pub folder: Folder,
    /// Its name there.
    pub name: &'static str,
}

impl Place {
    /// A place in the folder for what the user chose.
    pub const fn config(name: &'static str) -> Self {
        Self { folder: Folder::Config, name }
    }

    /// A place in the folder for what nobody can make again.
    pub const fn data(name: &'static str) -> Self {
        Self { folder: Folder::Data, name }
    }

    /// A place in the folder for what the client remembers.
    pub const fn state(name: &'static str) -> Self {
        Self { folder: Folder::State, name }
    }
}

/// Why the folders are where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `CAPELET_HOME` names one folder for everything.
    Named,
    /// An earlier version kept everything in the configuration folder. It goes on being used as one folder, so that
    /// nothing is lost, and nothing is moved without the user.
    Earlier,
    /// Three folders.
    Apart,
}

/// The paths of the three folders, none of which need exist. With one folder for everything, they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    layout: Layout,
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

/// The file of the identity.
pub const IDENTITY: Place = Place::data("identity.json");
/// The file of the catalogue.
pub const CATALOGUE: Place = Place::data("catalogue.json");
/// The files by which a folder of an earlier version is recognised.
const MARKS: [Place; 2] = [IDENTITY, CATALOGUE];

impl Folders {
    /// The folders that the environment names.
    ///
    /// # Errors
    /// [`Error::NoHome`] if it names none.
    pub fn from_environment() -> Result<Self, Error> {
        Self::from_variables(|name| env::var_os(name))
    }

    /// The three folders that the environment names if there is neither `CAPELET_HOME` nor a folder of an earlier version.
    ///
    /// # Errors
    /// As [`Folders::from_environment`].
    pub fn apart() -> Result<Self, Error> {
        Self::apart_by(&|name| env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        if let Some(home) = path_in(&variable, "CAPELET_HOME") {
            return Ok(Self::one(home, Layout::Named));
        }
        let config = named(&variable, Folder::Config)?;
        // A link to nothing counts too, and so does a file that cannot be examined: otherwise, another identity would be
        // made beside it.
        let has = |mark: &Place| match fs::symlink_metadata(config.join(mark.name)) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        };
        if named(&variable, Folder::Data).as_ref() != Ok(&config) && MARKS.iter().any(has) {
            return Ok(Self::one(config, Layout::Earlier));
        }
        Self::apart_by(&variable)
    }

    fn apart_by(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let named = |folder| named(variable, folder);
        let (config, data, state) = (named(Folder::Config)?, named(Folder::Data)?, named(Folder::State)?);
        Ok(Self { layout: Layout::Apart, config, data, state })
    }

    /// One folder for everything.
    pub fn one(path: PathBuf, layout: Layout) -> Self {
        Self { layout, config: path.clone(), data: path.clone(), state: path }
    }

    /// Why the folders are where they are.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The path of one of them.
    pub fn path(&self, folder: Folder) -> &Path {
        match folder {
            Folder::Config => &self.config,
            Folder::Data => &self.data,
            Folder::State => &self.state,
        }
    }

    /// The path of a place, which need not exist.
    pub fn file(&self, place: Place) -> PathBuf {
        self.path(place.folder).join(place.name)
    }

    /// The paths, each once.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = Vec::new();
        for path in Folder::ALL.map(|folder| self.path(folder)) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }
}

/// The path in a variable. An empty one counts as not set.
fn path_in(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where one of the three folders lies.
fn named(variable: &impl Fn(&str) -> Option<OsString>, folder: Folder) -> Result<PathBuf, Error> {
    let (name, below_home) = folder.parent();
    // The specification demands that relative paths are ignored.
    let named = path_in(variable, name).filter(|path| path.is_absolute());
    let parent = named.or_else(|| Some(path_in(variable, "HOME")?.join(below_home)));
    Ok(parent.ok_or(Error::NoHome)?.join("capelet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Folder::{Config, Data, State};

    /// The folders under these variables.
    fn under(variables: &[(&str, &Path)]) -> Result<Folders, Error> {
        Folders::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.as_os_str().to_owned())
        })
    }

    /// The three paths.
    fn paths(folders: &Folders) -> [&str; 3] {
        Folder::ALL.map(|folder| folders.path(folder).to_str().unwrap())
    }

    #[test]
    fn keeps_configuration_data_and_state_apart() {
        let home = ("HOME", Path::new("/nobody"));
        let folders = under(&[home]).unwrap();
        let defaults = ["/nobody/.config/capelet", "/nobody/.local/share/capelet", "/nobody/.local/state/capelet"];
        assert_eq!((folders.layout(), paths(&folders)), (Layout::Apart, defaults));
        let [config, data, state] = ["/a", "/b", "/c"].map(Path::new);
        let named = [("XDG_CONFIG_HOME", config), ("XDG_DATA_HOME", data), ("XDG_STATE_HOME", state)];
        assert_eq!(paths(&under(&named).unwrap()), ["/a/capelet", "/b/capelet", "/c/capelet"]);
        // Relative paths and empty values are ignored.
        let relative = [("XDG_CONFIG_HOME", Path::new("a")), ("XDG_DATA_HOME", Path::new("")), home];
        assert_eq!(paths(&under(&relative).unwrap()), defaults);
        assert_eq!(under(&named[..2]), Err(Error::NoHome));
        assert_eq!(under(&[("HOME", Path::new(""))]), Err(Error::NoHome));
        // CAPELET_HOME takes precedence over all of them.
        let one = under(&[&named[..], &[home, ("CAPELET_HOME", Path::new("x"))]].concat()).unwrap();
        assert_eq!((one.layout(), paths(&one), one.paths().len()), (Layout::Named, ["x"; 3], 1));
    }

    #[test]
    fn a_folder_of_an_earlier_version_goes_on_being_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join(".config/capelet");
        fs::create_dir_all(&config).unwrap();
        let layout = || under(&[("HOME", folder.path())]).unwrap().layout();
        for other in ["config.json", "trust.json", "contacts.json"] {
            fs::write(config.join(other), "").unwrap();
        }
        assert_eq!(layout(), Layout::Apart);
        for mark in ["identity.json", "catalogue.json"] {
            std::os::unix::fs::symlink("nowhere", config.join(mark)).unwrap();
            let folders = under(&[("HOME", folder.path())]).unwrap();
            assert_eq!((folders.layout(), folders.paths()), (Layout::Earlier, vec![config.as_path()]), "{mark}");
            fs::remove_file(config.join(mark)).unwrap();
        }
        // Where configuration and data are one folder, the identity belongs there.
        fs::write(config.join("identity.json"), "").unwrap();
        let parent = config.parent().unwrap();
        let same = under(&[("HOME", folder.path()), ("XDG_DATA_HOME", parent)]).unwrap();
        assert_eq!((same.layout(), same.path(Config), same.path(Data)), (Layout::Apart, &*config, &*config));
        assert_ne!(same.path(State), config);
    }
}
