//! The other programs of the same build.

use crate::Error;
use std::env;
use std::path::{Path, PathBuf};

/// Where `make install` puts programs that nobody calls by name, from the folder of this program.
const NOT_ON_PATH: &str = "../libexec/capelet";

/// The path of the program `name`: in the folder of this program, as cargo builds it, or else where `make install` puts
/// it.
///
/// # Errors
/// [`Error::Missing`] if the program was not found, [`Error::System`] if this program's own path is unknown.
pub fn find(name: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(Error::System)?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    let beside = folder.join(name);
    let places = [beside.clone(), folder.join(NOT_ON_PATH).join(name)];
    places.into_iter().find(|path| path.is_file()).ok_or(Error::Missing(beside))
}
