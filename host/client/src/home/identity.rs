//! The file of the identity. It contains one secret, and only the user may read it.

use super::{Home, check_owner_and_mode};
use crate::error::Error;
use crate::files::{self, Readers};
use crate::values::Owner;
use data_encoding::BASE64URL_NOPAD;
use enclave_core::identity::Identity;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "identity.json";
const VERSION: u64 = 1;
/// The largest identity file, in bytes.
const MAX_IDENTITY: u64 = 4096;

/// The content of the file. The owner's key detects a damaged secret, which would be another identity.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    version: u64,
    owner: Owner,
    secret: &'a str,
}

/// The secret of an identity.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Makes a new random secret.
    pub fn generate() -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; 32]);
        crate::random::fill(secret.as_mut_slice())?;
        Ok(Self(secret))
    }

    /// Takes an existing secret.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The bytes of the secret, for an export.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The identity that is derived from the secret.
    pub fn identity(&self) -> Identity {
        Identity::from_secret(self.0.clone())
    }

    /// The owner's key that is derived from the secret.
    pub fn owner(&self) -> Owner {
        Owner(self.identity().owner())
    }
}

impl Home {
    /// The path of the identity file.
    pub fn identity_path(&self) -> PathBuf {
        self.file(FILE)
    }

    /// Reads the identity's secret. `None`: no identity exists yet.
    ///
    /// # Errors
    ///
    /// [`Error::NotYours`] or [`Error::Permissions`] if others own or can read the file; [`Error::Damaged`] if it is
    /// invalid.
    pub fn secret(&self) -> Result<Option<Secret>, Error> {
        let path = self.identity_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path, &error)),
        };
        let metadata = file.metadata().map_err(|error| Error::io("read", &path, &error))?;
        check_owner_and_mode(&path, &metadata, 0o077, 0o600)?;
        let bytes = files::read_opened(file, &path, MAX_IDENTITY)?;
        parse(&bytes, &path).map(Some)
    }

    /// Reads the identity, or makes one if none exists. `made` is called with the owner's key of a new identity.
    pub fn identity(&self, made: impl FnOnce(&Owner)) -> Result<Identity, Error> {
        if let Some(secret) = self.secret()? {
            return Ok(secret.identity());
        }
        let _lock = self.lock("lock")?;
        // Another process may have made it meanwhile.
        if let Some(secret) = self.secret()? {
            return Ok(secret.identity());
        }
        let secret = Secret::generate()?;
        self.write_secret(&secret)?;
        made(&secret.owner());
        Ok(secret.identity())
    }

    /// Writes the secret of an imported identity. Fails if an identity exists.
    pub fn import(&self, secret: &Secret) -> Result<(), Error> {
        let _lock = self.lock("lock")?;
        // A file that cannot be read may be an identity too.
        match std::fs::symlink_metadata(self.identity_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.write_secret(secret),
            _ => Err(Error::IdentityExists(self.identity_path())),
        }
    }

    fn write_secret(&self, secret: &Secret) -> Result<(), Error> {
        let path = self.identity_path();
        let text = Zeroizing::new(BASE64URL_NOPAD.encode(secret.bytes()));
        let stored = Stored { version: VERSION, owner: secret.owner(), secret: &text };
        let mut bytes = Zeroizing::new(Vec::with_capacity(512));
        serde_json::to_writer(&mut *bytes, &stored).map_err(|error| Error::io("write", &path, &error.into()))?;
        bytes.push(b'\n');
        files::write(&path, &bytes, Readers::Owner)
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Secret, Error> {
    let damaged = || Error::Damaged(path.to_owned());
    let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    if stored.version > VERSION {
        return Err(Error::Newer(path.to_owned()));
    }
    let mut secret = Zeroizing::new([0; 32]);
    let decoded = BASE64URL_NOPAD.decode_len(stored.secret.len()).is_ok_and(|length| length == 32)
        && BASE64URL_NOPAD.decode_mut(stored.secret.as_bytes(), secret.as_mut_slice()).is_ok();
    let secret = Secret(secret);
    if decoded && stored.version == VERSION && secret.owner() == stored.owner { Ok(secret) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home")).unwrap();
        (folder, home)
    }

    #[test]
    fn makes_an_identity_only_once() {
        let (_folder, home) = home();
        let mut made = None;
        let first = home.identity(|owner| made = Some(*owner)).unwrap().owner();
        assert_eq!(made, Some(Owner(first)));
        let again = home.identity(|_| panic!("made twice")).unwrap().owner();
        assert_eq!(first, again);
        assert_eq!(fs::metadata(home.identity_path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(home.import(&Secret::generate().unwrap()).unwrap_err().code(), "identity-exists");
    }

    #[test]
    fn rejects_identity_that_others_can_read() {
        let (_folder, home) = home();
        home.identity(|_| ()).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
            fs::set_permissions(home.identity_path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(home.identity(|_| panic!("made anew")).unwrap_err().code(), "bad-permissions", "{mode:o}");
        }
    }

    #[test]
    fn rejects_every_changed_byte() {
        let (_folder, home) = home();
        home.identity(|_| ()).unwrap();
        let path = home.identity_path();
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            match home.secret() {
                Err(error) => assert!(matches!(error.code(), "damaged-file" | "newer-file"), "{at}"),
                // Only the line's end may change, because it is not part of the JSON.
                Ok(_) => assert!(changed[at].is_ascii_whitespace(), "{at}"),
            }
            fs::write(&path, &bytes[..at]).unwrap();
            assert!(home.secret().is_err() || at == bytes.len() - 1, "{at}");
        }
    }
}
