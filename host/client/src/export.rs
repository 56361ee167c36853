//! Writes an identity to a file that a passphrase protects, and reads it.
//!
//! Argon2id (RFC 9106) derives a key from the passphrase. The file uses the protocol's stream format.

use crate::Crypto;
use crate::error::Error;
use crate::files;
use crate::home::identity::IdentitySecret;
use crate::random;
use crate::values::{Base64, Hex, OwnerText};
use argon2::{Algorithm, Argon2, Params, Version};
use capelet_cli::output_file::Readers;
use enclave_core::OwnerKey;
use enclave_core::crypto;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

const KIND: &str = "capelet-identity-export";
/// The largest export, in bytes.
const MAX_EXPORT: u64 = 65_536;
/// The cost of one guess for anyone who finds the file: 256 MiB, three passes. More lanes would not raise it, because
/// an attacker tries guesses in parallel.
const COST: Cost = Cost { memory: 256 << 10, passes: 3, lanes: 1 };
/// The greatest cost that a file may demand of this machine: 1 GiB, 16 passes, 16 lanes.
const MOST: Cost = Cost { memory: 1 << 20, passes: 16, lanes: 16 };

/// Argon2's parameters. The unit of `memory` is KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    kind: String,
    version: u64,
    owner: OwnerText,
    argon2id: Cost,
    salt: Hex<[u8; 32]>,
    sealed: Base64,
}

/// The associated data of the encryption. It binds the file to the owner's key.
fn associated(owner: &OwnerKey) -> [u8; 48] {
    crypto::labelled_sha384("capelet/1/identity-export", owner.as_bytes())
}

/// Writes `secret` to a file, encrypted with `passphrase`.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; those of [`random::bytes`].
pub fn write(path: &Path, secret: &IdentitySecret, passphrase: &[u8]) -> Result<(), Error> {
    write_at(path, secret, passphrase, COST)
}

fn write_at(path: &Path, secret: &IdentitySecret, passphrase: &[u8], cost: Cost) -> Result<(), Error> {
    let salt = random::bytes()?;
    let key = derive(passphrase, &salt, cost)?;
    let owner = secret.owner();
    let sealed = crypto::seal_bytes::<Crypto>(crypto::Secret::new(key), &associated(&owner), secret.bytes())?;
    let (kind, owner, sealed) = (KIND.to_owned(), OwnerText(owner), Base64(sealed));
    let export = Export { kind, version: 1, owner, argon2id: cost, salt: Hex(salt), sealed };
    let failed = |error: serde_json::Error| Error::io("write", path, &error.into());
    let mut text = serde_json::to_vec_pretty(&export).map_err(failed)?;
    text.push(b'\n');
    files::write(path, &text, Readers::Owner)
}

/// Reads the secret from a file of [`write()`].
///
/// # Errors
/// `cannot-open` if the passphrase is wrong; [`Error::Damaged`] or [`Error::Newer`] if the file is.
pub fn read(path: &Path, passphrase: &[u8]) -> Result<IdentitySecret, Error> {
    let damaged = || Error::Damaged(path.to_owned());
    let text = files::read(path, MAX_EXPORT)?;
    let export: Export = serde_json::from_slice(&text).map_err(|_| damaged())?;
    if export.kind != KIND || export.version == 0 {
        return Err(damaged());
    }
    if export.version > 1 {
        return Err(Error::Newer(path.to_owned()));
    }
    let key = derive(passphrase, &export.salt.0, export.argon2id).map_err(|_| damaged())?;
    let opened =
        crypto::open_bytes::<Crypto>(crypto::Secret::new(key), &associated(&export.owner.0), &export.sealed.0)?;
    let secret = IdentitySecret::new(Zeroizing::new(opened.as_slice().try_into().map_err(|_| damaged())?));
    if secret.owner() == export.owner.0 { Ok(secret) } else { Err(damaged()) }
}

fn derive(passphrase: &[u8], salt: &[u8; 32], cost: Cost) -> Result<Zeroizing<[u8; 32]>, Error> {
    let failed =
        || Error::Argument { name: "the cost of the export", want: "at most 1 GiB of memory, 16 passes and 16 lanes" };
    if cost.memory > MOST.memory || cost.passes > MOST.passes || cost.lanes > MOST.lanes {
        return Err(failed());
    }
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| failed())?;
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase, salt, key.as_mut_slice()).map_err(|_| failed())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_wrong_passphrases_and_changed_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let secret = IdentitySecret::generate().unwrap();
        // A low cost keeps this test fast.
        let cost = Cost { memory: 64, passes: 1, lanes: 1 };
        write_at(&path, &secret, b"correct horse", cost).unwrap();
        assert_eq!(read(&path, b"correct horse").unwrap().bytes(), secret.bytes());
        assert_eq!(read(&path, b"correct horsf").err().unwrap().code(), "cannot-open");
        let text = std::fs::read_to_string(&path).unwrap();
        let text_of = |secret: &IdentitySecret| OwnerText(secret.owner()).to_string();
        let other = text_of(&IdentitySecret::generate().unwrap());
        let cases = [
            (text.replace(&text_of(&secret), &other), "cannot-open"),
            (text.replace("\"version\": 1", "\"version\": 2"), "newer-file"),
            (text.replace("\"memory\": 64", "\"memory\": 1073741824"), "damaged-file"),
            (text.replace("\"memory\"", "\"memori\""), "damaged-file"),
            (text.replace(KIND, "something"), "damaged-file"),
            (text[..text.len() / 2].to_owned(), "damaged-file"),
        ];
        for (changed, code) in cases {
            assert_ne!(changed, text);
            std::fs::write(&path, changed).unwrap();
            assert_eq!(read(&path, b"correct horse").err().unwrap().code(), code);
        }
    }
}
