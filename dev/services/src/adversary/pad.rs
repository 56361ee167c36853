//! Other code: a copy of a program that is one byte longer. It runs like the original, but its measurement differs.

use crate::Error;
use capelet_cli::output_file::{self, Existing, Readers};
use std::fs;
use std::path::Path;

/// Copies `binary` to `copy`, with its mode, and appends a byte. A loader ignores the byte.
///
/// # Errors
/// [`Error::File`].
pub fn pad(binary: &Path, copy: &Path) -> Result<(), Error> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |error| Error::File(path, error)
    };
    let mut bytes = fs::read(binary).map_err(at(binary))?;
    bytes.push(b'\n');
    let mode = fs::metadata(binary).map_err(at(binary))?.permissions();
    output_file::write(copy, &bytes, Readers::Umask, Existing::Replace).map_err(at(copy))?;
    // Standard output, a FIFO and a device keep their mode.
    if !output_file::is_stdout(copy) && fs::metadata(copy).map_err(at(copy))?.is_file() {
        fs::set_permissions(copy, mode).map_err(at(copy))?;
    }
    Ok(())
}
