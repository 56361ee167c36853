//! Other code: a copy of a program that is one byte longer. It runs like the original, but its measurement differs.

use crate::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Copies `binary` to `copy`, with its mode, and appends a byte. A loader ignores the byte.
///
/// # Errors
/// [`Error::File`].
pub fn pad(binary: &Path, copy: &Path) -> Result<(), Error> {
    fs::copy(binary, copy).map_err(|error| Error::File(binary.to_path_buf(), error))?;
    let padded = OpenOptions::new().append(true).open(copy).and_then(|mut file| file.write_all(b"\n"));
    padded.map_err(|error| Error::File(copy.to_path_buf(), error))
}
