//! The owner's own record of their functions and vault keys. The store's answers are compared with it, never trusted.

use super::State;
use crate::error::Error;
use crate::root_id::RootId;
use crate::values::{Hex, unix_millis};
use enclave_core::{Checksum, Kid, ObjectId, Pcr, UnixMillis};
use serde::{Deserialize, Serialize};

/// The state of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentState {
    /// Recorded before it was sent. It may be stored or not. Its version is never used again.
    Started,
    /// The enclave has stored and decrypted it.
    Confirmed,
    /// The store was asked to delete it.
    Deleted,
}

/// One version of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionEntry {
    /// The function's name in this catalogue.
    pub name: String,
    /// The function's id.
    pub id: Hex<ObjectId>,
    /// The version, from 1.
    pub version: u64,
    /// The bundle's checksum.
    pub checksum: Hex<Checksum>,
    /// The ARN of the KMS key that protects it.
    pub arn: String,
    /// The address to which it was deployed.
    pub url: String,
    /// SHA-256 of the root under which that enclave was verified. Key shares depend on it.
    pub root: Hex<RootId>,
    /// PCR0 of the image that sealed it. Key shares depend on it, and no other image receives one.
    pub image: Hex<Pcr>,
    /// The time of the deployment.
    #[serde(with = "unix_millis")]
    pub time: UnixMillis,
    /// The state of the deployment.
    pub state: DeploymentState,
}

/// The state of an epoch. Each state is recorded before the step that it permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochState {
    /// A key may be requested. No key was countersigned.
    Started,
    /// One key was countersigned. No other key will ever be countersigned for this epoch.
    Signed,
    /// The enclave has encrypted, stored and decrypted the key.
    Confirmed,
    /// The key was countersigned, but is not stored, or its owner gave it up in doubt. The epoch is never used again.
    Burnt,
}

/// One epoch of the owner's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochEntry {
    /// The number, from 1. Each root has its own numbers.
    pub epoch: u64,
    /// The id of the key; `None` before a key was countersigned.
    pub kid: Option<Hex<Kid>>,
    /// The id of the owner's previous key, which every statement of this key repeats; `None` for the first key.
    pub previous: Option<Hex<Kid>>,
    /// The address of the enclave that made the key.
    pub url: String,
    /// SHA-256 of the root under which that enclave was verified.
    pub root: Hex<RootId>,
    /// PCR0 of the image that made the key and seals it. No other image receives its key share.
    pub image: Hex<Pcr>,
    /// When the epoch was begun.
    #[serde(with = "unix_millis")]
    pub time: UnixMillis,
    /// The state of the epoch.
    pub state: EpochState,
}

/// The catalogue of functions and vault keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    functions: Vec<FunctionEntry>,
    vault: Vec<EpochEntry>,
}

impl State for Catalogue {
    const FILE: &'static str = "catalogue.json";
}

impl Catalogue {
    /// All versions of all functions, oldest first.
    pub fn functions(&self) -> &[FunctionEntry] {
        &self.functions
    }

    /// All epochs, oldest first.
    pub fn vault(&self) -> &[EpochEntry] {
        &self.vault
    }

    /// Finds the newest confirmed version of a function by name or id, at this address only.
    ///
    /// Another address has pins of its own. Its image must not receive a key share because the name exists elsewhere.
    /// The image is not compared: if another image sealed the newest version, an older one is no substitute.
    pub fn find(&self, name: &str, url: &str, root: &RootId) -> Option<&FunctionEntry> {
        let matching = |function: &&FunctionEntry| {
            let named = function.name == name || function.id.to_string() == name;
            named && function.url == url && function.root.0 == *root && function.state == DeploymentState::Confirmed
        };
        self.functions.iter().filter(matching).max_by_key(|function| function.version)
    }

    /// The entry of a version of a function, at any address.
    pub fn function(&self, id: &ObjectId, version: u64, root: &RootId) -> Option<&FunctionEntry> {
        self.functions.iter().find(|f| f.id.0 == *id && f.version == version && f.root.0 == *root)
    }

    /// Id and version for the next deployment of this name at this address. A version that was sent is never sent again.
    /// `fresh` is the id to use for a new function.
    pub fn next_version(&self, name: &str, url: &str, root: &RootId, fresh: ObjectId) -> (ObjectId, u64) {
        let same = self.functions.iter().filter(|f| f.name == name && f.url == url && f.root.0 == *root);
        // A deleted name gets a new id.
        let Some(last) = same.max_by_key(|function| (function.time, function.version)) else { return (fresh, 1) };
        if last.state == DeploymentState::Deleted {
            return (fresh, 1);
        }
        let versions = self.functions.iter().filter(|function| function.id == last.id).map(|function| function.version);
        (last.id.0, versions.max().unwrap_or(0).saturating_add(1))
    }

    /// Records a deployment that is about to be sent.
    ///
    /// # Errors
    /// [`Error::RolledBack`] if this version or a higher one was sent before.
    pub fn begin(&mut self, function: FunctionEntry) -> Result<(), Error> {
        let known = self.functions.iter().filter(|f| f.id == function.id && f.root == function.root);
        if let Some(seen) = known.map(|f| f.version).max().filter(|seen| *seen >= function.version) {
            return Err(Error::RolledBack { seen, found: function.version });
        }
        self.functions.push(function);
        Ok(())
    }

    /// Records the state of a version of a function.
    pub fn mark(&mut self, id: &ObjectId, version: u64, root: &RootId, state: DeploymentState) {
        let functions = self.functions.iter_mut();
        for function in functions.filter(|f| f.id.0 == *id && f.version == version && f.root.0 == *root) {
            function.state = state;
        }
    }

    /// The highest epoch under a root, in any state.
    pub fn last_epoch(&self, root: &RootId) -> Option<&EpochEntry> {
        self.vault.iter().filter(|epoch| epoch.root.0 == *root).max_by_key(|epoch| epoch.epoch)
    }

    /// The newest confirmed epoch under a root.
    pub fn current_epoch(&self, root: &RootId) -> Option<&EpochEntry> {
        let confirmed = self.vault.iter().filter(|epoch| epoch.root.0 == *root && epoch.state == EpochState::Confirmed);
        confirmed.max_by_key(|epoch| epoch.epoch)
    }

    /// Finds the epoch of a key under a root. `None` if the key is not one of this owner's.
    pub fn epoch_of(&self, kid: &Kid, root: &RootId) -> Option<&EpochEntry> {
        self.vault.iter().find(|epoch| epoch.kid == Some(Hex(*kid)) && epoch.root.0 == *root)
    }

    /// The epoch that was countersigned and not confirmed: only the image that sealed its key can tell whether the key is
    /// stored. It is always the last epoch.
    pub fn doubtful_epoch(&self, root: &RootId) -> Option<&EpochEntry> {
        self.last_epoch(root).filter(|last| last.state == EpochState::Signed)
    }

    /// Begins the next epoch for a key of `image`, or continues the one that was begun without a countersigned key. The
    /// newest confirmed key becomes its previous one. An epoch in doubt of another image is given up.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if an epoch of this image is in doubt, because this image can tell.
    pub fn begin_epoch(
        &mut self,
        url: &str,
        root: &RootId,
        image: &Pcr,
        time: UnixMillis,
    ) -> Result<EpochEntry, Error> {
        let epoch = match self.last_epoch(root) {
            Some(last) if last.state == EpochState::Signed && last.image.0 == *image => {
                return Err(Error::Equivocation(last.epoch));
            }
            Some(last) if last.state == EpochState::Started => last.epoch,
            last => last.map_or(0, |last| last.epoch).saturating_add(1),
        };
        if let Some(doubtful) = self.doubtful_epoch(root).map(|doubtful| doubtful.epoch) {
            self.mark_epoch(doubtful, root, EpochState::Burnt);
        }
        let entry = EpochEntry {
            epoch,
            kid: None,
            previous: self.current_epoch(root).and_then(|current| current.kid),
            url: url.to_owned(),
            root: Hex(*root),
            image: Hex(*image),
            time,
            state: EpochState::Started,
        };
        self.vault.retain(|e| e.epoch != epoch || e.root.0 != *root);
        self.vault.push(entry.clone());
        Ok(entry)
    }

    /// Records that `kid` is about to be countersigned for an epoch. Fails if another key already was.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if another key was countersigned for this epoch; [`Error::NoVaultKey`] if the epoch was
    /// not begun.
    pub fn sign_epoch(&mut self, epoch: u64, kid: Kid, root: &RootId) -> Result<(), Error> {
        let found = self.vault.iter_mut().find(|e| e.epoch == epoch && e.root.0 == *root).ok_or(Error::NoVaultKey)?;
        match (found.state, found.kid) {
            (EpochState::Started, None) => {
                found.kid = Some(Hex(kid));
                found.state = EpochState::Signed;
                Ok(())
            }
            (EpochState::Signed | EpochState::Confirmed, Some(known)) if known.0 == kid => Ok(()),
            _ => Err(Error::Equivocation(epoch)),
        }
    }

    /// Records the state of a countersigned epoch.
    pub fn mark_epoch(&mut self, epoch: u64, root: &RootId, state: EpochState) {
        for found in self.vault.iter_mut().filter(|e| e.epoch == epoch && e.root.0 == *root) {
            found.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: RootId = RootId::new([1; 32]);
    const OTHER: RootId = RootId::new([2; 32]);
    const IMAGE: Pcr = Pcr::new([1; 48]);
    const NEWER: Pcr = Pcr::new([2; 48]);

    fn id(byte: u8) -> ObjectId {
        ObjectId::new([byte; 16])
    }

    fn kid(byte: u8) -> Kid {
        Kid::new([byte; 32])
    }

    fn time(millis: u64) -> UnixMillis {
        UnixMillis::new(millis)
    }

    fn function(name: &str, (id, version): (ObjectId, u64), url: &str, root: RootId) -> FunctionEntry {
        let checksum = Checksum::new([u8::try_from(version).unwrap(); 32]);
        FunctionEntry {
            name: name.into(),
            id: Hex(id),
            version,
            checksum: Hex(checksum),
            arn: "arn".into(),
            url: url.into(),
            root: Hex(root),
            image: Hex(IMAGE),
            time: time(version),
            state: DeploymentState::Started,
        }
    }

    #[test]
    fn never_sends_a_version_twice() {
        let mut catalogue = Catalogue::default();
        let first = catalogue.next_version("f", "a", &ROOT, id(1));
        assert_eq!(first, (id(1), 1));
        catalogue.begin(function("f", first, "a", ROOT)).unwrap();
        // The connection broke: it is unknown whether the version was stored.
        let second = catalogue.next_version("f", "a", &ROOT, id(2));
        assert_eq!(second, (id(1), 2));
        assert_eq!(catalogue.begin(function("f", first, "a", ROOT)).unwrap_err().code(), "rolled-back");
        assert_eq!(catalogue.find("f", "a", &ROOT), None);
        catalogue.begin(function("f", second, "a", ROOT)).unwrap();
        catalogue.mark(&second.0, 2, &ROOT, DeploymentState::Confirmed);
        assert_eq!(catalogue.find("f", "a", &ROOT).unwrap().version, 2);
        assert_eq!(catalogue.find(&Hex(second.0).to_string(), "a", &ROOT).unwrap().version, 2);
        assert_eq!(catalogue.find(&Hex(second.0).to_string(), "b", &ROOT), None);
        assert_eq!(catalogue.find("f", "a", &OTHER), None);
        catalogue.mark(&second.0, 2, &ROOT, DeploymentState::Deleted);
        assert_eq!(catalogue.next_version("f", "a", &ROOT, id(3)), (id(3), 1));
    }

    #[test]
    fn finds_the_newest_version_whatever_image_sealed_it() {
        let mut catalogue = Catalogue::default();
        for version in [1, 2] {
            catalogue.begin(function("f", (id(1), version), "a", ROOT)).unwrap();
            catalogue.mark(&id(1), version, &ROOT, DeploymentState::Confirmed);
        }
        catalogue.functions[1].image = Hex(NEWER);
        let found = catalogue.find("f", "a", &ROOT).unwrap();
        assert_eq!((found.version, found.image), (2, Hex(NEWER)));
        assert_eq!(catalogue.function(&id(1), 1, &ROOT).unwrap().image, Hex(IMAGE));
        assert_eq!(catalogue.function(&id(1), 3, &ROOT), None);
        assert_eq!(catalogue.function(&id(1), 1, &OTHER), None);
    }

    /// Begins an epoch at the address `a` under `ROOT`. Returns its number.
    fn begin(catalogue: &mut Catalogue, image: Pcr, millis: u64) -> Result<u64, Error> {
        catalogue.begin_epoch("a", &ROOT, &image, time(millis)).map(|begun| begun.epoch)
    }

    #[test]
    fn countersigns_only_one_key_for_an_epoch() {
        let mut catalogue = Catalogue::default();
        assert_eq!(begin(&mut catalogue, IMAGE, 1), Ok(1));
        assert_eq!(begin(&mut catalogue, IMAGE, 2), Ok(1));
        catalogue.sign_epoch(1, kid(7), &ROOT).unwrap();
        catalogue.sign_epoch(1, kid(7), &ROOT).unwrap();
        assert_eq!(catalogue.sign_epoch(1, kid(8), &ROOT).unwrap_err().code(), "equivocation");
        assert_eq!(begin(&mut catalogue, IMAGE, 3).unwrap_err().code(), "equivocation");
        catalogue.mark_epoch(1, &ROOT, EpochState::Burnt);
        assert_eq!(catalogue.sign_epoch(1, kid(7), &ROOT).unwrap_err().code(), "equivocation");
        assert_eq!(begin(&mut catalogue, IMAGE, 4), Ok(2));
        assert_eq!(catalogue.begin_epoch("a", &OTHER, &IMAGE, time(4)).unwrap().epoch, 1);
        assert_eq!(catalogue.current_epoch(&ROOT), None);
        catalogue.sign_epoch(2, kid(9), &ROOT).unwrap();
        catalogue.mark_epoch(2, &ROOT, EpochState::Confirmed);
        assert_eq!(catalogue.current_epoch(&ROOT).unwrap().epoch, 2);
        assert_eq!(catalogue.epoch_of(&kid(9), &ROOT).unwrap().epoch, 2);
        assert_eq!(catalogue.epoch_of(&kid(9), &OTHER), None);
    }

    #[test]
    fn an_epoch_that_is_continued_belongs_to_the_new_image() {
        let mut catalogue = Catalogue::default();
        begin(&mut catalogue, IMAGE, 1).unwrap();
        let continued = catalogue.begin_epoch("b", &ROOT, &NEWER, time(2)).unwrap();
        assert_eq!((continued.epoch, continued.image, continued.url.as_str()), (1, Hex(NEWER), "b"));
        assert_eq!(catalogue.vault(), [continued]);
    }

    #[test]
    fn an_epoch_records_the_confirmed_key_before_it() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.begin_epoch("a", &ROOT, &IMAGE, time(1)).unwrap().previous, None);
        catalogue.sign_epoch(1, kid(1), &ROOT).unwrap();
        catalogue.mark_epoch(1, &ROOT, EpochState::Confirmed);
        // A key that is not stored is not a previous key.
        begin(&mut catalogue, IMAGE, 2).unwrap();
        catalogue.sign_epoch(2, kid(2), &ROOT).unwrap();
        catalogue.mark_epoch(2, &ROOT, EpochState::Burnt);
        let third = catalogue.begin_epoch("a", &ROOT, &NEWER, time(3)).unwrap();
        assert_eq!((third.epoch, third.previous), (3, Some(Hex(kid(1)))));
    }

    #[test]
    fn only_another_image_gives_up_an_epoch_in_doubt() {
        let mut catalogue = Catalogue::default();
        begin(&mut catalogue, IMAGE, 1).unwrap();
        assert_eq!(catalogue.doubtful_epoch(&ROOT), None);
        catalogue.sign_epoch(1, kid(1), &ROOT).unwrap();
        let doubtful = catalogue.doubtful_epoch(&ROOT).unwrap();
        assert_eq!((doubtful.epoch, doubtful.image), (1, Hex(IMAGE)));
        assert_eq!(catalogue.doubtful_epoch(&OTHER), None);
        assert_eq!(begin(&mut catalogue, IMAGE, 2), Err(Error::Equivocation(1)));
        assert_eq!(begin(&mut catalogue, NEWER, 2), Ok(2));
        assert_eq!(
            catalogue.vault().iter().map(|e| e.state).collect::<Vec<_>>(),
            [EpochState::Burnt, EpochState::Started]
        );
        // Data that somebody has encrypted to the key is not lost, in case it is stored.
        assert_eq!(catalogue.epoch_of(&kid(1), &ROOT).unwrap().epoch, 1);
        assert_eq!(catalogue.sign_epoch(1, kid(3), &ROOT).unwrap_err().code(), "equivocation");
    }
}
