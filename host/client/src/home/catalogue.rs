//! The owner's own record of their functions and vault keys. The store's answers are compared with it, never trusted.

use super::folders::{CATALOGUE, Place};
use super::{OwnedState, State};
use crate::error::Error;
use crate::root_id::RootId;
use crate::values::{Hex, OwnerText, unix_millis};
use enclave_core::parent::ListEntry;
use enclave_core::{Checksum, Kid, ObjectId, OwnerKey, Pcr, UnixMillis};
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
    /// The identity whose catalogue it is.
    #[serde(default)]
    owner: Option<OwnerText>,
    /// In the order in which they were sent.
    functions: Vec<FunctionEntry>,
    vault: Vec<EpochEntry>,
}

impl State for Catalogue {
    const PLACE: Place = CATALOGUE;
}

impl OwnedState for Catalogue {
    fn owner(&self) -> Option<OwnerKey> {
        self.owner.map(|owner| owner.0)
    }

    fn set_owner(&mut self, owner: OwnerKey) {
        self.owner = Some(OwnerText(owner));
    }
}

impl Catalogue {
    /// All versions of all functions, in the order in which they were sent.
    pub fn functions(&self) -> &[FunctionEntry] {
        &self.functions
    }

    /// All epochs, oldest first.
    pub fn vault(&self) -> &[EpochEntry] {
        &self.vault
    }

    /// The last confirmed deployment of a name, or of an id, at this address. `None` if the name has none.
    ///
    /// An earlier deployment is never returned instead, whatever became of the last one: older code would run silently.
    /// Another address has pins of its own. Its image must not receive a key share because the name exists elsewhere.
    /// The image is not compared, for the first reason.
    ///
    /// # Errors
    /// [`Error::Deleted`] if the last confirmed deployment was deleted.
    fn find(&self, name: &str, url: &str, root: &RootId) -> Result<Option<&FunctionEntry>, Error> {
        let last = self.last_deployment(name, url, root);
        match last {
            Some(deleted) if deleted.state == DeploymentState::Deleted => {
                Err(Error::Deleted { name: name.to_owned(), version: deleted.version })
            }
            last => Ok(last),
        }
    }

    /// Id and version that the user means: the last confirmed deployment of a name or id, or the `version` that they named
    /// of the same id. `None` if the name is unknown.
    ///
    /// # Errors
    /// [`Error::Deleted`] if no version was named and the last confirmed deployment was deleted.
    pub fn choose(
        &self,
        name: &str,
        version: Option<u64>,
        url: &str,
        root: &RootId,
    ) -> Result<Option<(ObjectId, u64)>, Error> {
        Ok(match version {
            Some(version) => self.last_deployment(name, url, root).map(|last| (last.id.0, version)),
            None => self.find(name, url, root)?.map(|last| (last.id.0, last.version)),
        })
    }

    /// Like [`Catalogue::find`], but a deleted deployment is returned too.
    fn last_deployment(&self, name: &str, url: &str, root: &RootId) -> Option<&FunctionEntry> {
        let matching = |function: &&FunctionEntry| {
            let named = function.name == name || function.id.to_string() == name;
            named && function.url == url && function.root.0 == *root && function.state != DeploymentState::Started
        };
        self.functions.iter().rfind(matching)
    }

    /// The entry of a version of a function, at any address.
    pub fn function(&self, id: &ObjectId, version: u64, root: &RootId) -> Option<&FunctionEntry> {
        self.functions.iter().find(|f| f.id.0 == *id && f.version == version && f.root.0 == *root)
    }

    /// Id and version for the next deployment of this name at this address. A version that was sent is never sent again,
    /// not from another machine either: `stored` is what the store lists. `fresh` is the id to use for a new function.
    pub fn next_version(
        &self,
        name: &str,
        url: &str,
        root: &RootId,
        stored: &[ListEntry],
        fresh: ObjectId,
    ) -> (ObjectId, u64) {
        let last = self.functions.iter().rfind(|f| f.name == name && f.url == url && f.root.0 == *root);
        // A deleted name gets a new id.
        let Some(last) = last.filter(|last| last.state != DeploymentState::Deleted) else { return (fresh, 1) };
        let versions = self.functions.iter().filter(|function| function.id == last.id).map(|function| function.version);
        let known = versions.max().unwrap_or(0);
        let stored = stored.iter().filter(|entry| entry.id == last.id.0).map(|entry| entry.version);
        (last.id.0, next_number(known, stored))
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

    /// Records the state of a version of a function. The deletion of one that was never confirmed is not recorded: the
    /// name still means the deployment before it.
    pub fn mark(&mut self, id: &ObjectId, version: u64, root: &RootId, state: DeploymentState) {
        let functions = self.functions.iter_mut();
        for function in functions.filter(|f| f.id.0 == *id && f.version == version && f.root.0 == *root) {
            if (function.state, state) != (DeploymentState::Started, DeploymentState::Deleted) {
                function.state = state;
            }
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
    /// newest confirmed key becomes its previous one. An epoch in doubt of another image is given up. `stored` are the
    /// epochs that the store lists: none of them is begun again.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if an epoch of this image is in doubt, because this image can tell.
    pub fn begin_epoch(
        &mut self,
        url: &str,
        root: &RootId,
        image: &Pcr,
        time: UnixMillis,
        stored: &[ListEntry],
    ) -> Result<EpochEntry, Error> {
        let used = match self.last_epoch(root) {
            Some(last) if last.state == EpochState::Signed && last.image.0 == *image => {
                return Err(Error::Equivocation(last.epoch));
            }
            Some(last) if last.state == EpochState::Started => last.epoch.saturating_sub(1),
            last => last.map_or(0, |last| last.epoch),
        };
        let epoch = next_number(used, stored.iter().map(|entry| entry.version));
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
        // An epoch that was begun and not countersigned is continued, or given up for a later number.
        self.vault.retain(|e| e.state != EpochState::Started || e.root.0 != *root);
        self.vault.push(entry.clone());
        Ok(entry)
    }

    /// Adds an epoch that a statement of this owner proves, and that this catalogue lacks.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if another key was countersigned for the epoch: then the owner used two copies of their
    /// identity.
    pub fn learn(&mut self, learned: EpochEntry) -> Result<(), Error> {
        let known = self.vault.iter_mut().find(|e| e.epoch == learned.epoch && e.root == learned.root);
        match known {
            None => self.vault.push(learned),
            Some(begun) if begun.state == EpochState::Started => *begun = learned,
            Some(known) if known.kid == learned.kid => {}
            Some(known) => return Err(Error::Equivocation(known.epoch)),
        }
        self.vault.sort_by_key(|entry| entry.epoch);
        Ok(())
    }

    /// Adds the entries of an imported catalogue that this one lacks.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if the two have another key for one epoch.
    pub fn merge(&mut self, imported: Self) -> Result<(), Error> {
        let missing = imported.functions.into_iter().filter(|f| self.function(&f.id.0, f.version, &f.root.0).is_none());
        let missing: Vec<_> = missing.collect();
        self.functions.splice(..0, missing);
        imported.vault.into_iter().try_for_each(|entry| self.learn(entry))
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

/// The number after `used` and after all numbers that the store lists.
///
/// The store is not trusted: a number far ahead would leave none to use, and is ignored.
fn next_number(used: u64, stored: impl Iterator<Item = u64>) -> u64 {
    /// No owner makes this many versions or keys on a machine whose catalogue was lost.
    const FAR_AHEAD: u64 = 1 << 32;
    let plausible = stored.filter(|number| *number <= used.saturating_add(FAR_AHEAD));
    plausible.max().unwrap_or(0).max(used).saturating_add(1)
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
        let first = catalogue.next_version("f", "a", &ROOT, &[], id(1));
        assert_eq!(first, (id(1), 1));
        catalogue.begin(function("f", first, "a", ROOT)).unwrap();
        // The connection broke: it is unknown whether the version was stored.
        let second = catalogue.next_version("f", "a", &ROOT, &[], id(2));
        assert_eq!(second, (id(1), 2));
        assert_eq!(catalogue.begin(function("f", first, "a", ROOT)).unwrap_err().code(), "rolled-back");
        assert_eq!(catalogue.find("f", "a", &ROOT), Ok(None));
        catalogue.begin(function("f", second, "a", ROOT)).unwrap();
        catalogue.mark(&second.0, 2, &ROOT, DeploymentState::Confirmed);
        assert_eq!(found(&catalogue, "f"), Ok(Some((1, 2))));
        assert_eq!(found(&catalogue, &Hex(second.0).to_string()), Ok(Some((1, 2))));
        assert_eq!(catalogue.find(&Hex(second.0).to_string(), "b", &ROOT), Ok(None));
        assert_eq!(catalogue.find("f", "a", &OTHER), Ok(None));
        // Another machine with the same identity has sent two more versions since.
        let stored = [ListEntry { id: id(1), version: 4 }, ListEntry { id: id(9), version: 7 }];
        assert_eq!(catalogue.next_version("f", "a", &ROOT, &stored, id(3)), (id(1), 5));
        catalogue.mark(&second.0, 2, &ROOT, DeploymentState::Deleted);
        assert_eq!(catalogue.next_version("f", "a", &ROOT, &stored, id(3)), (id(3), 1));
    }

    /// Id and version that a name stands for at the address `a`, or the code of the error.
    fn found(catalogue: &Catalogue, name: &str) -> Result<Option<(u8, u64)>, &'static str> {
        let found = catalogue.find(name, "a", &ROOT).map_err(|error| error.code())?;
        Ok(found.map(|function| (function.id.0.as_bytes()[0], function.version)))
    }

    fn confirmed(catalogue: &mut Catalogue, (id, version): (ObjectId, u64)) {
        catalogue.begin(function("f", (id, version), "a", ROOT)).unwrap();
        catalogue.mark(&id, version, &ROOT, DeploymentState::Confirmed);
    }

    #[test]
    fn a_name_means_its_last_confirmed_deployment_and_never_an_older_one() {
        let mut catalogue = Catalogue::default();
        for version in 1..=5 {
            confirmed(&mut catalogue, (id(1), version));
        }
        catalogue.mark(&id(1), 5, &ROOT, DeploymentState::Deleted);
        assert_eq!(found(&catalogue, "f"), Err("deleted"));
        assert_eq!(found(&catalogue, &Hex(id(1)).to_string()), Err("deleted"));
        assert_eq!(catalogue.choose("f", Some(4), "a", &ROOT), Ok(Some((id(1), 4))));
        // The new id has a lower version than the old one, and is what the name means.
        confirmed(&mut catalogue, (id(2), 1));
        assert_eq!(found(&catalogue, "f"), Ok(Some((2, 1))));
        // A version that was not confirmed changes nothing, deleted or not.
        catalogue.begin(function("f", (id(2), 2), "a", ROOT)).unwrap();
        catalogue.mark(&id(2), 2, &ROOT, DeploymentState::Deleted);
        assert_eq!(found(&catalogue, "f"), Ok(Some((2, 1))));
        catalogue.mark(&id(2), 1, &ROOT, DeploymentState::Deleted);
        assert_eq!(found(&catalogue, "f"), Err("deleted"));
    }

    #[test]
    fn ignores_stored_numbers_that_are_far_ahead() {
        assert_eq!(next_number(0, [].into_iter()), 1);
        assert_eq!(next_number(3, [1, 7, 5].into_iter()), 8);
        assert_eq!(next_number(3, [1 << 32, u64::MAX].into_iter()), (1 << 32) + 1);
        assert_eq!(next_number(9, [u64::MAX].into_iter()), 10);
    }

    #[test]
    fn learns_epochs_and_rejects_a_second_key_for_one() {
        let entry = |epoch, byte| EpochEntry {
            epoch,
            kid: Some(Hex(kid(byte))),
            previous: None,
            url: "a".into(),
            root: Hex(ROOT),
            image: Hex(IMAGE),
            time: time(epoch),
            state: EpochState::Confirmed,
        };
        let mut catalogue = Catalogue::default();
        begin(&mut catalogue, IMAGE, 1).unwrap();
        // Epoch 1 was begun here, but no key was countersigned. Another machine did that.
        for learned in [entry(2, 2), entry(1, 1), entry(2, 2)] {
            catalogue.learn(learned).unwrap();
        }
        assert_eq!(catalogue.vault().iter().map(|entry| entry.epoch).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(catalogue.learn(entry(2, 9)).unwrap_err().code(), "equivocation");
        let stored = [ListEntry { id: id(1), version: 4 }];
        assert_eq!(catalogue.begin_epoch("a", &ROOT, &IMAGE, time(3), &stored).unwrap().epoch, 5);

        let mut imported = Catalogue::default();
        imported.learn(entry(3, 3)).unwrap();
        confirmed(&mut imported, (id(1), 1));
        catalogue.merge(imported.clone()).unwrap();
        catalogue.merge(imported.clone()).unwrap();
        assert_eq!((catalogue.functions().len(), catalogue.vault().len()), (1, 4));
        imported.vault[0].kid = Some(Hex(kid(9)));
        assert_eq!(catalogue.merge(imported).unwrap_err().code(), "equivocation");
    }

    #[test]
    fn finds_the_newest_version_whatever_image_sealed_it() {
        let mut catalogue = Catalogue::default();
        for version in [1, 2] {
            catalogue.begin(function("f", (id(1), version), "a", ROOT)).unwrap();
            catalogue.mark(&id(1), version, &ROOT, DeploymentState::Confirmed);
        }
        catalogue.functions[1].image = Hex(NEWER);
        let found = catalogue.find("f", "a", &ROOT).unwrap().unwrap();
        assert_eq!((found.version, found.image), (2, Hex(NEWER)));
        assert_eq!(catalogue.function(&id(1), 1, &ROOT).unwrap().image, Hex(IMAGE));
        assert_eq!(catalogue.function(&id(1), 3, &ROOT), None);
        assert_eq!(catalogue.function(&id(1), 1, &OTHER), None);
    }

    /// Begins an epoch at the address `a` under `ROOT`. Returns its number.
    fn begin(catalogue: &mut Catalogue, image: Pcr, millis: u64) -> Result<u64, Error> {
        catalogue.begin_epoch("a", &ROOT, &image, time(millis), &[]).map(|begun| begun.epoch)
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
        assert_eq!(catalogue.begin_epoch("a", &OTHER, &IMAGE, time(4), &[]).unwrap().epoch, 1);
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
        let continued = catalogue.begin_epoch("b", &ROOT, &NEWER, time(2), &[]).unwrap();
        assert_eq!((continued.epoch, continued.image, continued.url.as_str()), (1, Hex(NEWER), "b"));
        assert_eq!(catalogue.vault(), [continued]);
    }

    #[test]
    fn an_epoch_records_the_confirmed_key_before_it() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.begin_epoch("a", &ROOT, &IMAGE, time(1), &[]).unwrap().previous, None);
        catalogue.sign_epoch(1, kid(1), &ROOT).unwrap();
        catalogue.mark_epoch(1, &ROOT, EpochState::Confirmed);
        // A key that is not stored is not a previous key.
        begin(&mut catalogue, IMAGE, 2).unwrap();
        catalogue.sign_epoch(2, kid(2), &ROOT).unwrap();
        catalogue.mark_epoch(2, &ROOT, EpochState::Burnt);
        let third = catalogue.begin_epoch("a", &ROOT, &NEWER, time(3), &[]).unwrap();
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
