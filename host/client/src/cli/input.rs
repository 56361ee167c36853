//! Reads what arguments name: files, root certificates, checksums, times.

use crate::error::Error;
use crate::files;
use crate::values::{Hex, SHA384_FORM};
use enclave_core::Checksum;
use enclave_core::attestation::Root;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file, or standard input if `path` is `-`. More than `limit` bytes are an error.
pub(super) fn read_file_or_stdin(path: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    files::read(Path::new(path), limit)
}

/// Parses the checksum of a function, which is the value of the option `name`.
pub(super) fn parse_checksum(name: &'static str, text: &str) -> Result<Checksum, Error> {
    let invalid = || Error::BadValue { name, value: text.to_owned(), want: "64 hexadecimal digits" };
    Hex::parse(text).map(|Hex(checksum)| checksum).ok_or_else(invalid)
}

/// Checks that a SHA-384, which is the value of the option `name`, is written correctly.
pub(super) fn check_sha384(name: &'static str, text: Option<&str>) -> Result<(), Error> {
    match text.filter(|text| Hex::<[u8; 48]>::parse(text).is_none()) {
        Some(text) => Err(Error::BadValue { name, value: text.to_owned(), want: SHA384_FORM }),
        None => Ok(()),
    }
}

/// The greatest age of the option `--max-age`, in milliseconds. `default` applies if it was not given.
pub(super) fn max_age(seconds: Option<u64>, default: u64) -> Result<u64, Error> {
    let Some(seconds) = seconds else { return Ok(default) };
    let (name, value) = ("--max-age", seconds.to_string());
    seconds.checked_mul(1000).ok_or(Error::BadValue { name, value, want: "a smaller number of seconds" })
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
