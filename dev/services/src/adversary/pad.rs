//! Other code: a copy of a binary that is one byte longer. It runs as the original does, and is measured as another.

use crate::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

/// Copies `binary` to `copy`, mode and all, and adds a byte at its end, which no loader looks at.
pub fn pad(binary: &Path, copy: &Path) -> Result<(), Error> {
    fs::copy(binary, copy).map_err(|error| Error::File(binary.to_path_buf(), error))?;
    let padded = OpenOptions::new().append(true).open(copy).and_then(|mut file| file.write_all(b"\n"));
    padded.map_err(|error| Error::File(copy.to_path_buf(), error))
}
