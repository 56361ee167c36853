//! Writing archives.

use super::{Entry, Rules, pad, trailer};
use crate::error::Error;

/// The archive of these entries, in whatever order they come.
///
/// # Errors
/// [`Error::CpioPath`], [`Error::CpioDuplicate`], [`Error::CpioEntry`], [`Error::CpioEntries`].
pub fn write(entries: &[Entry<'_>]) -> Result<Vec<u8>, Error> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.path);
    let mut rules = Rules::default();
    let mut out = Vec::new();
    for (entry, inode) in sorted.into_iter().zip(1..) {
        rules.admit(entry)?;
        out.extend(entry.head(inode)?);
        out.extend(entry.data());
        pad(&mut out);
    }
    out.extend(trailer());
    Ok(out)
}
