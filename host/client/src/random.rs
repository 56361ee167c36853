//! The system's random source.

use crate::error::Error;
use std::io;
use std::path::Path;

/// Fills `out` with random bytes. If the system's source fails, this fails too.
///
/// # Errors
/// [`Error::Io`].
pub fn fill(out: &mut [u8]) -> Result<(), Error> {
    let failed = || Error::io("draw random bytes from", Path::new("the system"), &io::ErrorKind::Other.into());
    getrandom::fill(out).map_err(|_| failed())
}

/// Returns `N` random bytes.
///
/// # Errors
/// As [`fill`].
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}
