//! The other programs of the same build.

use crate::Error;
use std::env;
use std::path::PathBuf;

/// Where `make install` puts programs that nobody calls by name, below its prefix.
const NOT_ON_PATH: &str = "libexec/capelet";

/// The path of the program `name`: in the folder of this program, as cargo builds it, or else where `make install` puts
/// it.
///
/// # Errors
/// [`Error::Missing`] if the program was not found, [`Error::System`] if this program's own path is unknown.
pub fn find(name: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(Error::System)?;
    let beside = own.with_file_name(name);
    let installed = own.ancestors().nth(2).map(|prefix| prefix.join(NOT_ON_PATH).join(name));
    [Some(beside.clone()), installed].into_iter().flatten().find(|path| path.is_file()).ok_or(Error::Missing(beside))
}
