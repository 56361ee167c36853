//! The other programs of the same build, in the same folder as this one.

use crate::Error;
use std::env;
use std::path::PathBuf;

/// The path of the program `name` in the folder of this program.
///
/// # Errors
/// [`Error::Missing`] if the program was not found, [`Error::System`] if this program's own path is unknown.
pub fn beside(name: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(Error::System)?;
    let path = own.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(Error::Missing(path)) }
}
