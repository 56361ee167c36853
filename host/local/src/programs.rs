//! The other programs of the same build.

use crate::Error;
use std::env;
use std::path::PathBuf;

/// The program of this name beside this one.
pub fn beside(name: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(Error::System)?;
    let path = own.with_file_name(name);
    if path.is_file() { Ok(path) } else { Err(Error::Missing(path)) }
}
