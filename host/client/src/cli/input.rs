//! Reads what arguments name: files, standard input, root certificates, checksums.

use crate::error::Error;
use crate::files;
use crate::values::Hex;
use capelet_cli::arguments::STDIN;
use capelet_cli::streams;
use enclave_core::Checksum;
use enclave_core::attestation::Root;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file, or standard input if `path` is `-`. More than `limit` bytes are an error.
pub(super) fn read_file_or_stdin(path: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    if path == "-" || path == STDIN { read_stdin(limit) } else { files::read(Path::new(path), limit) }
}

/// Reads standard input to its end. More than `limit` bytes are an error.
pub(super) fn read_stdin(limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    let failed = |error: io::Error| Error::Pipe(error.kind());
    streams::input().map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    let too_large = bytes.len() as u64 > limit;
    if too_large { Err(Error::FileTooLarge { path: "standard input".into(), limit }) } else { Ok(bytes) }
}

/// Parses the checksum of a function, which is the value of the option `name`.
pub(super) fn parse_checksum(name: &'static str, text: &str) -> Result<Checksum, Error> {
    let Hex(checksum) = Hex::parse(text).ok_or(Error::Argument { name, want: "64 hexadecimal digits" })?;
    Ok(checksum)
}

/// Reads a root certificate. `None` stands for Amazon's root.
pub(super) fn read_root(path: Option<&str>) -> Result<Root, Error> {
    /// The largest certificate, in bytes.
    const MAX_ROOT: u64 = 8192;
    match path {
        None => Ok(Root::aws()),
        Some(path) => {
            let der = files::read(Path::new(path), MAX_ROOT)?.to_vec();
            let root = Root::development(der)?;
            // The file may contain Amazon's root, which must not count as a development root.
            Ok(if root.is_development() { root } else { Root::aws() })
        }
    }
}
