//! Writes an identity to a file that a passphrase protects, and reads it.
//!
//! The file holds the secret and what this client has signed with it: catalogue, epochs, and the accepted texts of KMS
//! keys. Without these a restored identity could countersign a second key for an epoch, or accept a weaker key policy.
//!
//! Argon2id (RFC 9106) derives a key from the passphrase. The file uses the protocol's stream format.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::files;
use crate::home::accepted::AcceptedTexts;
use crate::home::backups::Backup;
use crate::home::catalogue::Catalogue;
use crate::home::identity::IdentitySecret;
use crate::home::{Home, OwnedState};
use crate::passphrase::NewPassphrase;
use crate::random;
use crate::values::{Base64, Hex, OwnerText};
use argon2::{Algorithm, Argon2, Params, Version};
use capelet_cli::output_file::{self, Existing, Readers};
use enclave_core::OwnerKey;
use enclave_core::crypto;
use enclave_core::encoding::{base64url_decode, base64url_encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use zeroize::Zeroizing;

const KIND: &str = "capelet-identity-export";
/// The version that this client writes. Version 1 had only the secret.
const VERSION: u64 = 2;
/// The largest export, in bytes: the largest files of the folder, in base64.
const MAX_EXPORT: u64 = 64 << 20;
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

/// What an export protects.
pub struct Content {
    /// The identity's secret.
    pub secret: IdentitySecret,
    /// Functions and epochs.
    pub catalogue: Catalogue,
    /// The accepted texts of KMS keys.
    pub accepted: AcceptedTexts,
}

/// [`Content`] as JSON, before it is encrypted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    secret: &'a str,
    catalogue: Catalogue,
    accepted: AcceptedTexts,
}

impl Content {
    /// Everything that the folder has of its identity. `None` if it has no identity. Files of an older layout are left
    /// out: the identity is what can be brought to a new folder.
    ///
    /// # Errors
    /// Those of [`Home::secret`] and [`Home::load_of`].
    pub fn of(home: &Home) -> Result<Option<Self>, Error> {
        let Some(secret) = home.secret()? else { return Ok(None) };
        let owner = secret.owner();
        let (catalogue, accepted) = (unless_older(home.load_of(&owner))?, unless_older(home.load_of(&owner))?);
        Ok(Some(Self { secret, catalogue, accepted }))
    }

    /// What is recorded of a file with this content, so that `doctor` can compare it with the folder's content. The order of
    /// the entries does not matter, because an import may change it.
    ///
    /// # Errors
    /// [`Error::Io`] if an entry has no JSON form.
    pub fn backup(&self) -> Result<Backup, Error> {
        let failed = |error: serde_json::Error| Error::io("describe", Path::new("the catalogue"), &error.into());
        let owner = self.secret.owner();
        let mut accepted = self.accepted.clone();
        accepted.set_owner(owner);
        let functions = self.catalogue.functions().iter().map(serde_json::to_string);
        let keys = self.catalogue.vault().iter().map(serde_json::to_string);
        let texts = std::iter::once(serde_json::to_string(&accepted));
        let entries = functions.chain(keys).chain(texts).collect::<Result<BTreeSet<_>, _>>().map_err(failed)?;
        let content = crypto::sha256(&entries.iter().flat_map(|entry| [entry.as_bytes(), b"\n"]).collect::<Vec<_>>());
        Ok(Backup { owner: OwnerText(owner), time: clock::now(), content: Hex(content) })
    }

    /// Writes the content to a folder without an identity. Entries that the folder already has of this identity stay.
    ///
    /// # Errors
    /// [`Error::IdentityExists`]; [`Error::OfAnotherIdentity`] if the folder's files belong to another identity;
    /// [`Error::Equivocation`] if they have another key for an epoch; those of [`Home::update_of`].
    pub fn import(self, home: &Home) -> Result<(), Error> {
        let owner = self.secret.owner();
        home.check_import()?;
        // The identity is written last: what the other files say must be known before it signs anything.
        home.update_of(&owner, |catalogue: &mut Catalogue| catalogue.merge(self.catalogue))?;
        home.update_of(&owner, |accepted: &mut AcceptedTexts| {
            accepted.merge(self.accepted);
            Ok(())
        })?;
        home.import(&self.secret)
    }
}

fn unless_older<S: OwnedState>(state: Result<S, Error>) -> Result<S, Error> {
    match state {
        Err(Error::Older(_)) => Ok(S::default()),
        state => state,
    }
}

/// The associated data of the encryption. It binds the file to the owner's key and to the version of its content.
fn associated(version: u64, owner: &OwnerKey) -> [u8; 48] {
    let label = if version == 1 { "capelet/1/identity-export" } else { "capelet/1/identity-export-2" };
    crypto::labelled_sha384(label, owner.as_bytes())
}

/// Writes `content` to a file, encrypted with a key that is derived from `passphrase`. A file that exists is replaced only if `replace` is set.
///
/// # Errors
/// [`Error::OutputExists`]; [`Error::Io`] if the file cannot be written; those of [`random::bytes`].
pub fn write(path: &Path, content: &Content, passphrase: &NewPassphrase, replace: bool) -> Result<(), Error> {
    write_at(path, content, passphrase.bytes(), COST, replace)
}

fn write_at(path: &Path, content: &Content, passphrase: &[u8], cost: Cost, replace: bool) -> Result<(), Error> {
    let failed = |error: serde_json::Error| Error::io("write", path, &error.into());
    let salt = random::bytes()?;
    let key = derive(passphrase, &salt, cost)?;
    let owner = content.secret.owner();
    let secret = Zeroizing::new(base64url_encode(content.secret.bytes()));
    let (catalogue, accepted) = (content.catalogue.clone(), content.accepted.clone());
    let text = serde_json::to_vec(&Sealed { secret: &secret, catalogue, accepted });
    let text = Zeroizing::new(text.map_err(failed)?);
    let sealed = crypto::seal_bytes::<Crypto>(crypto::Secret::new(key), &associated(VERSION, &owner), &text)?;
    let (kind, owner, sealed) = (KIND.to_owned(), OwnerText(owner), Base64(sealed));
    let export = Export { kind, version: VERSION, owner, argon2id: cost, salt: Hex(salt), sealed };
    let mut text = serde_json::to_vec_pretty(&export).map_err(failed)?;
    text.push(b'\n');
    let existing = if replace { Existing::Replace } else { Existing::Refuse };
    output_file::write(path, &text, Readers::Owner, existing).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::OutputExists(path.to_owned()),
        _ => Error::io("write", path, &error),
    })
}

/// Reads the content of a file of [`write()`]. A file of version 1 has only the secret.
///
/// # Errors
/// `cannot-open` if the passphrase is wrong; [`Error::Damaged`] or [`Error::Newer`] if the file is.
pub fn read(path: &Path, passphrase: &[u8]) -> Result<Content, Error> {
    let damaged = || Error::Damaged(path.to_owned());
    let text = files::read(path, MAX_EXPORT)?;
    let export: Export = serde_json::from_slice(&text).map_err(|_| damaged())?;
    if export.kind != KIND || export.version == 0 {
        return Err(damaged());
    }
    if export.version > VERSION {
        return Err(Error::Newer(path.to_owned()));
    }
    let key = derive(passphrase, &export.salt.0, export.argon2id).map_err(|_| damaged())?;
    let owner = export.owner.0;
    let associated = associated(export.version, &owner);
    let opened = crypto::open_bytes::<Crypto>(crypto::Secret::new(key), &associated, &export.sealed.0)?;
    let content = match export.version {
        1 => {
            let secret = secret(opened.as_slice()).ok_or_else(damaged)?;
            Content { secret, catalogue: Catalogue::default(), accepted: AcceptedTexts::default() }
        }
        _ => {
            let sealed: Sealed<'_> = serde_json::from_slice(opened.as_slice()).map_err(|_| damaged())?;
            let decoded = Zeroizing::new(base64url_decode(sealed.secret).map_err(|_| damaged())?);
            let secret = secret(&decoded).ok_or_else(damaged)?;
            Content { secret, catalogue: sealed.catalogue, accepted: sealed.accepted }
        }
    };
    let of_owner = |state: Option<OwnerKey>| state.is_none_or(|of| of == owner);
    let intact =
        content.secret.owner() == owner && of_owner(content.catalogue.owner()) && of_owner(content.accepted.owner());
    if intact { Ok(content) } else { Err(damaged()) }
}

fn secret(bytes: &[u8]) -> Option<IdentitySecret> {
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return None;
    }
    secret.copy_from_slice(bytes);
    Some(IdentitySecret::new(secret))
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
    use crate::home::accepted::Enclave;
    use crate::root_id::RootId;
    use crate::sample::ARN;
    use enclave_core::kms::{AcceptedKey, Arn};
    use enclave_core::{Kid, Pcr, UnixMillis};

    /// A low cost keeps these tests fast.
    const LOW: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    fn home(folder: &Path, name: &str) -> Home {
        Home::at(folder.join(name)).unwrap()
    }

    /// A home with an identity that has countersigned a vault key, and accepted the texts of a KMS key.
    fn owner_home(folder: &Path) -> Home {
        let home = home(folder, "owner");
        let owner = home.identity(|_| ()).unwrap().owner();
        let (root, image) = (RootId::new([1; 32]), Pcr::new([1; 48]));
        home.update_of(&owner, |catalogue: &mut Catalogue| {
            catalogue.begin_epoch("unix:/x", &root, &image, UnixMillis::new(1), &[])?;
            catalogue.sign_epoch(1, Kid::new([1; 32]), &root)
        })
        .unwrap();
        home.update_of(&owner, |accepted: &mut AcceptedTexts| {
            let key = AcceptedKey { arn: Arn::parse(ARN).unwrap(), policy: Some([1; 48]), metadata: None };
            accepted.accept(&root, &Enclave { url: "unix:/x".into(), image: Hex(image) }, &key);
            Ok(())
        })
        .unwrap();
        home
    }

    #[test]
    fn an_import_brings_catalogue_epochs_and_accepted_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let first = owner_home(folder.path());
        let owner = first.secret().unwrap().unwrap().owner();
        write_at(&path, &Content::of(&first).unwrap().unwrap(), b"correct horse", LOW, false).unwrap();
        let second = home(folder.path(), "second");
        read(&path, b"correct horse").unwrap().import(&second).unwrap();
        assert_eq!(second.secret().unwrap().unwrap().owner(), owner);
        assert_eq!(second.load_of::<Catalogue>(&owner), first.load_of::<Catalogue>(&owner));
        assert_eq!(second.load_of::<AcceptedTexts>(&owner), first.load_of::<AcceptedTexts>(&owner));
        assert_eq!(read(&path, b"correct horse").unwrap().import(&second).unwrap_err().code(), "identity-exists");

        // The files of another identity stay as they are.
        let third = home(folder.path(), "third");
        let other = third.identity(|_| ()).unwrap().owner();
        third.update_of(&other, |_: &mut Catalogue| Ok(())).unwrap();
        std::fs::remove_file(third.identity_path()).unwrap();
        assert_eq!(read(&path, b"correct horse").unwrap().import(&third).unwrap_err().code(), "another-identity");
        assert!(third.secret().unwrap().is_none());
    }

    #[test]
    fn replaces_an_existing_file_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let content = Content::of(&owner_home(folder.path())).unwrap().unwrap();
        std::fs::write(&path, "an export of another identity").unwrap();
        let refused = write_at(&path, &content, b"x", LOW, false).unwrap_err();
        assert_eq!((refused.code(), std::fs::read(&path).unwrap().len()), ("output-exists", 29));
        write_at(&path, &content, b"x", LOW, true).unwrap();
        assert!(read(&path, b"x").is_ok());
    }

    #[test]
    fn reads_exports_of_version_1_which_have_only_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let secret = IdentitySecret::generate().unwrap();
        let owner = secret.owner();
        let key = crypto::Secret::new(derive(b"x", &[1; 32], LOW).unwrap());
        let sealed = crypto::seal_bytes::<Crypto>(key, &associated(1, &owner), secret.bytes()).unwrap();
        let (kind, salt) = (KIND.to_owned(), Hex([1; 32]));
        let export = Export { kind, version: 1, owner: OwnerText(owner), argon2id: LOW, salt, sealed: Base64(sealed) };
        let mut export = serde_json::to_value(&export).unwrap();
        std::fs::write(&path, export.to_string()).unwrap();
        let content = read(&path, b"x").unwrap();
        assert_eq!((content.secret.owner(), content.catalogue.functions().len()), (owner, 0));
        // The version cannot be changed, because the associated data depends on it.
        export["version"] = 2.into();
        std::fs::write(&path, export.to_string()).unwrap();
        assert_eq!(read(&path, b"x").err().unwrap().code(), "cannot-open");
    }

    #[test]
    fn rejects_wrong_passphrases_and_changed_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        let content = Content::of(&owner_home(folder.path())).unwrap().unwrap();
        write_at(&path, &content, b"correct horse", LOW, false).unwrap();
        assert_eq!(read(&path, b"correct horse").unwrap().secret.bytes(), content.secret.bytes());
        assert_eq!(read(&path, b"correct horsf").err().unwrap().code(), "cannot-open");
        let text = std::fs::read_to_string(&path).unwrap();
        let text_of = |secret: &IdentitySecret| OwnerText(secret.owner()).to_string();
        let other = text_of(&IdentitySecret::generate().unwrap());
        let cases = [
            (text.replace(&text_of(&content.secret), &other), "cannot-open"),
            (text.replace("\"version\": 2", "\"version\": 3"), "newer-file"),
            (text.replace("\"version\": 2", "\"version\": 1"), "cannot-open"),
            (text.replace("\"memory\": 64", "\"memory\": 1073741824"), "damaged-file"),
            (text.replace("\"memory\"", "\"memori\""), "damaged-file"),
            (text.replace("\"salt\"", "\"kind\": \"x\", \"salt\""), "damaged-file"),
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
