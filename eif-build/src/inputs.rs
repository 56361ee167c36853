//! What a release was made of: a list with `name version sha256` a line.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;

use crate::error::Error;

/// The most bytes of a list.
pub const MAX_LIST: u64 = 1 << 20;

/// One input of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of what was fetched.
    pub sha256: [u8; 32],
}

/// Reads a list of inputs. Empty lines and lines that begin with `#` say nothing; a (name, version) is there once.
///
/// # Errors
/// [`Error::ListLine`].
pub fn parse(list: &str) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    let mut seen = BTreeSet::new();
    for (text, line) in list.lines().zip(1..) {
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        if words.first().is_none_or(|word| word.starts_with('#')) {
            continue;
        }
        let refused = Error::ListLine { line };
        let [name, version, sha256] = words[..] else { return Err(refused) };
        let sha256 = HEXLOWER.decode(sha256.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
        let Some(sha256) = sha256 else { return Err(refused) };
        if !seen.insert((name, version)) {
            return Err(refused);
        }
        inputs.push(Input { name: name.into(), version: version.into(), sha256 });
    }
    Ok(inputs)
}
