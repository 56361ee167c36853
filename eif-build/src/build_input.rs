//! The inputs of a release build, as a list of lines `name version sha256`.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;

use crate::error::Error;

/// One input of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInput {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The SHA-256 of the file that the build fetched.
    pub sha256: [u8; 32],
}

impl BuildInput {
    /// Reads a list of inputs. Empty lines and lines that begin with `#` are ignored.
    ///
    /// # Errors
    /// [`Error::ListLine`] if a line is not `name version sha256` in printable ASCII, or repeats a name and a version.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, Error> {
        let mut inputs = Vec::new();
        let mut seen = BTreeSet::new();
        for (text, line) in list.lines().zip(1..) {
            let words: Vec<_> = text.split_ascii_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let refused = Error::ListLine { line };
            let [name, version, sha256] = words[..] else { return Err(refused) };
            // They are printed. A name must not be able to command a terminal.
            if !text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
                return Err(refused);
            }
            let sha256 = HEXLOWER.decode(sha256.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
            let Some(sha256) = sha256 else { return Err(refused) };
            if !seen.insert((name, version)) {
                return Err(refused);
            }
            inputs.push(Self { name: name.into(), version: version.into(), sha256 });
        }
        Ok(inputs)
    }
}
