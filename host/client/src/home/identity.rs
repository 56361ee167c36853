//! The file of the identity. It contains one secret, and only the user may read it.

use super::catalogue::Catalogue;
use super::folders::IDENTITY;
use super::{Home, LOCK, OwnedState as _, open_private};
use crate::error::Error;
use crate::files;
use crate::values::OwnerText;
use enclave_core::OwnerKey;
use enclave_core::encoding::{base64url_decode, base64url_encode};
use enclave_core::identity::Identity;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const VERSION: u64 = 1;
/// The largest identity file, in bytes.
const MAX_IDENTITY: u64 = 4096;

/// The content of the file. The owner's key detects a damaged secret, which would be another identity.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    version: u64,
    owner: OwnerText,
    secret: &'a str,
}

/// The secret of an identity.
pub struct IdentitySecret(Zeroizing<[u8; 32]>);

impl IdentitySecret {
    /// Makes a new random secret.
    ///
    /// # Errors
    /// As [`random::fill`](crate::random::fill).
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
    pub fn owner(&self) -> OwnerKey {
        self.identity().owner()
    }
}

impl Home {
    /// The path of the identity file.
    pub fn identity_path(&self) -> PathBuf {
        self.file(IDENTITY)
    }

    /// Reads the identity's secret. `None` if no identity exists yet.
    ///
    /// # Errors
    /// [`Error::NotYours`] or [`Error::Permissions`] if others own or can read the file; [`Error::Damaged`] if it is
    /// invalid.
    pub fn secret(&self) -> Result<Option<IdentitySecret>, Error> {
        let path = self.identity_path();
        let Some(file) = open_private(&path)? else { return Ok(None) };
        let bytes = files::read_opened(file, &path, MAX_IDENTITY)?;
        parse(&bytes, &path).map(Some)
    }

    /// Reads the identity, or makes one if none exists. `made` is called with the owner's key of a new identity.
    ///
    /// # Errors
    /// [`Error::IdentityMissing`] if there is none, but a catalogue of one; those of [`Home::secret`], [`Home::lock`] and
    /// [`IdentitySecret::generate`]; [`Error::Io`] if the file cannot be written.
    pub fn identity(&self, made: impl FnOnce(&OwnerKey)) -> Result<Identity, Error> {
        if let Some(secret) = self.secret()? {
            return Ok(secret.identity());
        }
        let _lock = self.lock(LOCK)?;
        // Another process may have made it meanwhile.
        if let Some(secret) = self.secret()? {
            return Ok(secret.identity());
        }
        // The file was lost or moved. Another identity could open nothing that the catalogue lists.
        if let Some(owner) = self.load::<Catalogue>()?.owner() {
            return Err(Error::IdentityMissing { path: self.identity_path(), owner: OwnerText(owner) });
        }
        let secret = IdentitySecret::generate()?;
        self.write_secret(&secret)?;
        made(&secret.owner());
        Ok(secret.identity())
    }

    /// Checks that an identity can be imported.
    ///
    /// # Errors
    /// [`Error::IdentityExists`].
    pub fn check_import(&self) -> Result<(), Error> {
        // A file that cannot be read may be an identity too.
        match std::fs::symlink_metadata(self.identity_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => Err(Error::IdentityExists(self.identity_path())),
        }
    }

    /// Writes the secret of an imported identity. Fails if an identity exists.
    ///
    /// # Errors
    /// [`Error::IdentityExists`]; [`Error::Io`] if the file cannot be written; those of [`Home::lock`].
    pub fn import(&self, secret: &IdentitySecret) -> Result<(), Error> {
        let _lock = self.lock(LOCK)?;
        self.check_import()?;
        self.write_secret(secret)
    }

    fn write_secret(&self, secret: &IdentitySecret) -> Result<(), Error> {
        let path = self.identity_path();
        let text = Zeroizing::new(base64url_encode(secret.bytes()));
        let stored = Stored { version: VERSION, owner: OwnerText(secret.owner()), secret: &text };
        let mut bytes = Zeroizing::new(Vec::with_capacity(512));
        serde_json::to_writer(&mut *bytes, &stored).map_err(|error| Error::io("write", &path, &error.into()))?;
        bytes.push(b'\n');
        self.write(IDENTITY, &bytes)
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<IdentitySecret, Error> {
    let damaged = || Error::Damaged(path.to_owned());
    let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    if stored.version > VERSION {
        return Err(Error::Newer(path.to_owned()));
    }
    let decoded = Zeroizing::new(base64url_decode(stored.secret).map_err(|_| damaged())?);
    // Copied to where it stays: an array that is returned would leave a copy on the stack.
    let mut secret = Zeroizing::new([0; 32]);
    if decoded.len() != secret.len() {
        return Err(damaged());
    }
    secret.copy_from_slice(&decoded);
    let secret = IdentitySecret(secret);
    let intact = stored.version == VERSION && secret.owner() == stored.owner.0;
    if intact { Ok(secret) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capelet_hostile_bytes::{byte_flips, truncations};
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
        assert_eq!(made, Some(first));
        let again = home.identity(|_| panic!("made twice")).unwrap().owner();
        assert_eq!(first, again);
        assert_eq!(fs::metadata(home.identity_path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(home.import(&IdentitySecret::generate().unwrap()).unwrap_err().code(), "identity-exists");
    }

    #[test]
    fn makes_no_identity_beside_the_catalogue_of_another_one() {
        let (_folder, home) = home();
        let owner = home.identity(|_| ()).unwrap().owner();
        home.update_of(&owner, |_: &mut Catalogue| Ok(())).unwrap();
        fs::remove_file(home.identity_path()).unwrap();
        let error = home.identity(|_| panic!("made anew")).unwrap_err();
        assert_eq!((error.code(), error.to_string().contains(&owner.fingerprint())), ("identity-missing", true));
        let other = IdentitySecret::generate().unwrap();
        assert_eq!(home.load_of::<Catalogue>(&other.owner()).unwrap_err().code(), "another-identity");
        let update = home.update_of(&other.owner(), |_: &mut Catalogue| Ok(()));
        assert_eq!(update.unwrap_err().code(), "another-identity");
    }

    #[test]
    fn a_link_to_a_missing_identity_is_not_replaced_by_a_new_one() {
        let (folder, home) = home();
        fs::create_dir(folder.path().join("home")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("usb/identity.json"), home.identity_path()).unwrap();
        assert_eq!(home.identity(|_| panic!("made anew")).unwrap_err().code(), "no-such-file");
        assert_eq!(home.import(&IdentitySecret::generate().unwrap()).unwrap_err().code(), "identity-exists");
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
        for flip in byte_flips(&bytes, 1) {
            fs::write(&path, &flip.bytes).unwrap();
            match home.secret() {
                Err(error) => assert!(matches!(error.code(), "damaged-file" | "newer-file"), "{flip}"),
                // Only the line's end may change, because it is not part of the JSON.
                Ok(_) => assert!(flip.bytes[flip.at].is_ascii_whitespace(), "{flip}"),
            }
        }
        for truncated in truncations(&bytes) {
            fs::write(&path, truncated).unwrap();
            let length = truncated.len();
            assert!(home.secret().is_err() || length == bytes.len() - 1, "{length} bytes");
        }
    }
}
