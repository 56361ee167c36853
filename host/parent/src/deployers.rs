//! The list of owners who may deploy: `[salt, + key]`, the keys ascending.
//!
//! Clients see the list's digest. The salt prevents them from confirming a guess of who is on the list. It is kept when
//! the list is written anew, so that the same owners always have the same digest.

use crate::{Error, read_file};
use data_encoding::BASE32_NOPAD_NOCASE;
use enclave_core::encoding::Reader;
use enclave_core::{Deployers, MAX_DEPLOYERS, MessageKind, OwnerKey};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// How each salt begins. The other 28 bytes are random. No key begins so in practice: a list with a salt therefore does
/// not ascend, while a list of the older layout, which had keys only, does.
const SALT_PREFIX: [u8; 4] = [0xff; 4];

/// The list of these owners, whose keys are as `capelet identity show` prints them. It has the salt of the list in the
/// file `previous`, or a new salt if there is no such regular file.
///
/// # Errors
/// [`Error::Deployer`] for a text that is not a key, [`Error::OlderDeployers`] if the file is not a list with a salt,
/// [`Error::File`] or [`Error::FileTooLarge`] if it cannot be read, [`Error::System`] without random numbers.
pub fn encode_deployers(keys: &[String], previous: &Path) -> Result<Vec<u8>, Error> {
    let key = |text: &String| {
        let bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(OwnerKey::new).ok_or_else(|| Error::Deployer(text.clone()))
    };
    let keys = keys.iter().map(key).collect::<Result<Vec<OwnerKey>, _>>()?;
    let salt = match fs::metadata(previous) {
        Ok(metadata) if metadata.is_file() => {
            let list = read_file(previous, MAX_DEPLOYERS)?;
            salt_of(&list).ok_or_else(|| Error::OlderDeployers(previous.display().to_string()))?
        }
        // A FIFO or a device keeps no list.
        Ok(_) => new_salt()?,
        Err(error) if error.kind() == ErrorKind::NotFound => new_salt()?,
        Err(source) => return Err(Error::File { path: previous.to_owned(), source }),
    };
    Ok(Deployers::encode(&salt, keys))
}

/// Whether this is a list of the older layout. Anything that is not a list of keys is left to the enclave to reject.
pub fn is_older_list(list: &[u8]) -> bool {
    entries(list).is_some_and(|entries| !entries.is_empty() && entries.is_sorted_by(|a, b| a < b))
}

fn salt_of(list: &[u8]) -> Option<[u8; 32]> {
    entries(list)?.first().copied().filter(|_| !is_older_list(list))
}

/// The salt and the keys of a list. `None` if it has another form.
fn entries(list: &[u8]) -> Option<Vec<[u8; 32]>> {
    let mut reader = Reader::new(list, MessageKind::Configuration).ok()?;
    let count = reader.any_array().ok()?;
    (0..count).map(|_| reader.fixed().ok()).collect()
}

fn new_salt() -> Result<[u8; 32], Error> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| Error::System(error.into()))?;
    let (prefix, _) = salt.split_at_mut(SALT_PREFIX.len());
    prefix.copy_from_slice(&SALT_PREFIX);
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::encoding::Writer;

    fn keys(bytes: &[u8]) -> Vec<String> {
        bytes.iter().map(|byte| BASE32_NOPAD_NOCASE.encode(&[*byte; 32])).collect()
    }

    /// A list of the older layout.
    fn older(bytes: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(bytes.len() as u64);
        for byte in bytes {
            writer.bytes([*byte; 32]);
        }
        writer.finish()
    }

    #[test]
    fn keeps_the_salt_of_every_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let first = encode_deployers(&keys(&[2]), &path).unwrap();
        let salt = salt_of(&first).unwrap();
        assert!(salt.starts_with(&SALT_PREFIX));
        for bytes in [&[2][..], &[1, 2], &[2, 3, 200], &[1], &[250, 3]] {
            fs::write(&path, &first).unwrap();
            let again = encode_deployers(&keys(bytes), &path).unwrap();
            assert_eq!(salt_of(&again), Some(salt), "{bytes:?}");
            assert_eq!(again == first, bytes == [2]);
            assert!(!is_older_list(&again));
        }
        let elsewhere = encode_deployers(&keys(&[2]), &folder.path().join("other")).unwrap();
        assert_ne!(salt_of(&elsewhere), Some(salt));
    }

    #[test]
    fn rejects_lists_without_a_salt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        for bytes in [&[1][..], &[1, 2], &[1, 2, 3, 4]] {
            assert!(is_older_list(&older(bytes)), "{bytes:?}");
            fs::write(&path, older(bytes)).unwrap();
            let error = encode_deployers(&keys(&[1, 2]), &path).unwrap_err();
            assert_eq!(error.code(), "older-deployers");
            assert!(error.to_string().contains("older layout"), "{error}");
        }
        // Anything that is not a list is not overwritten either.
        for damaged in [&b""[..], b"list", b"\x80", b"\x81\x01"] {
            assert!(!is_older_list(damaged));
            fs::write(&path, damaged).unwrap();
            assert_eq!(encode_deployers(&keys(&[1]), &path).unwrap_err().code(), "older-deployers");
        }
    }

    #[test]
    fn rejects_texts_that_are_not_keys() {
        let path = Path::new("/nowhere/list");
        for text in ["", "abc", &"a".repeat(53)] {
            assert_eq!(encode_deployers(&[text.to_owned()], path).unwrap_err().code(), "deployers", "{text}");
        }
    }
}
