//! The owner's own record of their functions and vault keys. The store's answers are compared with it, never trusted.

use super::State;
use crate::error::Error;
use crate::values::Hex;
use serde::{Deserialize, Serialize};

/// The state of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deployed {
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
pub struct Function {
    /// The function's name in this catalogue.
    pub name: String,
    /// The function's id.
    pub id: Hex<16>,
    /// The version, from 1.
    pub version: u64,
    /// The bundle's checksum.
    pub checksum: Hex<32>,
    /// The ARN of the KMS key that protects it.
    pub arn: String,
    /// The address to which it was deployed.
    pub url: String,
    /// SHA-256 of the root under which that enclave was verified. Key shares depend on it.
    pub root: Hex<32>,
    /// The time of the deployment, in milliseconds since 1970.
    pub time: u64,
    /// The state of the deployment.
    pub state: Deployed,
}

/// The state of an epoch. Each state is recorded before the step that it permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Made {
    /// A key may be requested. No key was countersigned.
    Started,
    /// One key was countersigned. No other key will ever be countersigned for this epoch.
    Signed,
    /// The enclave has encrypted, stored and decrypted the key.
    Confirmed,
    /// The key was countersigned, but is not stored. The epoch is never used again.
    Burnt,
}

/// One epoch of the owner's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// The number, from 1. Each root has its own numbers.
    pub epoch: u64,
    /// The id of the key; `None` before a key was countersigned.
    pub kid: Option<Hex<32>>,
    /// The address of the enclave that made the key.
    pub url: String,
    /// SHA-256 of the root under which that enclave was verified.
    pub root: Hex<32>,
    /// When the epoch was begun, in milliseconds since 1970.
    pub time: u64,
    /// The state of the epoch.
    pub state: Made,
}

/// The catalogue of functions and vault keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    functions: Vec<Function>,
    vault: Vec<Epoch>,
}

impl State for Catalogue {
    const FILE: &'static str = "catalogue.json";
}

impl Catalogue {
    /// All versions of all functions, oldest first.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// All epochs, oldest first.
    pub fn vault(&self) -> &[Epoch] {
        &self.vault
    }

    /// Finds the newest confirmed version of a function by name or id, at this address only.
    ///
    /// Another address has pins of its own. Its image must not receive a key share because the name exists elsewhere.
    pub fn find(&self, name: &str, url: &str, root: &Hex<32>) -> Option<&Function> {
        let matching = |function: &&Function| {
            let named = function.name == name || function.id.to_string() == name;
            named && function.url == url && function.root == *root && function.state == Deployed::Confirmed
        };
        self.functions.iter().filter(matching).max_by_key(|function| function.version)
    }

    /// Id and version for the next deployment of this name at this address. A version that was sent is never sent again.
    /// `fresh` is the id to use for a new function.
    pub fn next_version(&self, name: &str, url: &str, root: &Hex<32>, fresh: [u8; 16]) -> (Hex<16>, u64) {
        let same = self.functions.iter().filter(|f| f.name == name && f.url == url && f.root == *root);
        // A deleted name gets a new id.
        let Some(last) = same.max_by_key(|function| (function.time, function.version)) else { return (Hex(fresh), 1) };
        if last.state == Deployed::Deleted {
            return (Hex(fresh), 1);
        }
        let versions = self.functions.iter().filter(|function| function.id == last.id).map(|function| function.version);
        (last.id, versions.max().unwrap_or(0).saturating_add(1))
    }

    /// Records a deployment that is about to be sent.
    pub fn begin(&mut self, function: Function) -> Result<(), Error> {
        let known = self.functions.iter().filter(|f| f.id == function.id && f.root == function.root);
        if let Some(seen) = known.map(|f| f.version).max().filter(|seen| *seen >= function.version) {
            return Err(Error::RolledBack { seen, found: function.version });
        }
        self.functions.push(function);
        Ok(())
    }

    /// Records the state of a version of a function.
    pub fn mark(&mut self, id: &Hex<16>, version: u64, root: &Hex<32>, state: Deployed) {
        let functions = self.functions.iter_mut();
        for function in functions.filter(|f| f.id == *id && f.version == version && f.root == *root) {
            function.state = state;
        }
    }

    /// The highest epoch under a root, in any state.
    pub fn last_epoch(&self, root: &Hex<32>) -> Option<&Epoch> {
        self.vault.iter().filter(|epoch| epoch.root == *root).max_by_key(|epoch| epoch.epoch)
    }

    /// The newest confirmed epoch under a root.
    pub fn current_epoch(&self, root: &Hex<32>) -> Option<&Epoch> {
        let confirmed = self.vault.iter().filter(|epoch| epoch.root == *root && epoch.state == Made::Confirmed);
        confirmed.max_by_key(|epoch| epoch.epoch)
    }

    /// Finds the epoch of a key under a root. `None`: the key is not one of this owner's.
    pub fn epoch_of(&self, kid: &Hex<32>, root: &Hex<32>) -> Option<&Epoch> {
        self.vault.iter().find(|epoch| epoch.kid.as_ref() == Some(kid) && epoch.root == *root)
    }

    /// Begins the next epoch, or continues the one that was begun without a countersigned key.
    pub fn begin_epoch(&mut self, url: &str, root: &Hex<32>, time: u64) -> Result<u64, Error> {
        match self.last_epoch(root) {
            Some(last) if last.state == Made::Signed => Err(Error::Equivocation(last.epoch)),
            Some(Epoch { epoch, state: Made::Started, .. }) => {
                let epoch = *epoch;
                let begun = self.vault.iter_mut().find(|e| e.epoch == epoch && e.root == *root);
                if let Some(begun) = begun {
                    begun.url = url.to_owned();
                    begun.time = time;
                }
                Ok(epoch)
            }
            last => {
                let epoch = last.map_or(0, |last| last.epoch).saturating_add(1);
                let (url, root) = (url.to_owned(), *root);
                self.vault.push(Epoch { epoch, kid: None, url, root, time, state: Made::Started });
                Ok(epoch)
            }
        }
    }

    /// Records that `kid` is about to be countersigned for an epoch. Fails if another key already was.
    pub fn sign_epoch(&mut self, epoch: u64, kid: Hex<32>, root: &Hex<32>) -> Result<(), Error> {
        let found = self.vault.iter_mut().find(|e| e.epoch == epoch && e.root == *root).ok_or(Error::NoVaultKey)?;
        match (found.state, found.kid) {
            (Made::Started, None) => {
                found.kid = Some(kid);
                found.state = Made::Signed;
                Ok(())
            }
            (Made::Signed | Made::Confirmed, Some(known)) if known == kid => Ok(()),
            _ => Err(Error::Equivocation(epoch)),
        }
    }

    /// Records the state of a countersigned epoch.
    pub fn mark_epoch(&mut self, epoch: u64, root: &Hex<32>, state: Made) {
        for found in self.vault.iter_mut().filter(|e| e.epoch == epoch && e.root == *root) {
            found.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Hex<32> = Hex([1; 32]);
    const OTHER: Hex<32> = Hex([2; 32]);

    fn function(name: &str, (id, version): (Hex<16>, u64), url: &str, root: Hex<32>) -> Function {
        let (checksum, state) = (Hex([u8::try_from(version).unwrap(); 32]), Deployed::Started);
        Function {
            name: name.into(),
            id,
            version,
            checksum,
            arn: "arn".into(),
            url: url.into(),
            root,
            time: version,
            state,
        }
    }

    #[test]
    fn never_sends_a_version_twice() {
        let mut catalogue = Catalogue::default();
        let first = catalogue.next_version("f", "a", &ROOT, [1; 16]);
        assert_eq!(first, (Hex([1; 16]), 1));
        catalogue.begin(function("f", first, "a", ROOT)).unwrap();
        // The connection broke: it is unknown whether the version was stored.
        let second = catalogue.next_version("f", "a", &ROOT, [2; 16]);
        assert_eq!(second, (Hex([1; 16]), 2));
        assert_eq!(catalogue.begin(function("f", first, "a", ROOT)).unwrap_err().code(), "rolled-back");
        assert_eq!(catalogue.find("f", "a", &ROOT), None);
        catalogue.begin(function("f", second, "a", ROOT)).unwrap();
        catalogue.mark(&second.0, 2, &ROOT, Deployed::Confirmed);
        assert_eq!(catalogue.find("f", "a", &ROOT).unwrap().version, 2);
        assert_eq!(catalogue.find(&second.0.to_string(), "a", &ROOT).unwrap().version, 2);
        assert_eq!(catalogue.find(&second.0.to_string(), "b", &ROOT), None);
        assert_eq!(catalogue.find("f", "a", &OTHER), None);
        catalogue.mark(&second.0, 2, &ROOT, Deployed::Deleted);
        assert_eq!(catalogue.next_version("f", "a", &ROOT, [3; 16]), (Hex([3; 16]), 1));
    }

    #[test]
    fn countersigns_only_one_key_for_an_epoch() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.begin_epoch("a", &ROOT, 1), Ok(1));
        assert_eq!(catalogue.begin_epoch("a", &ROOT, 2), Ok(1));
        catalogue.sign_epoch(1, Hex([7; 32]), &ROOT).unwrap();
        catalogue.sign_epoch(1, Hex([7; 32]), &ROOT).unwrap();
        assert_eq!(catalogue.sign_epoch(1, Hex([8; 32]), &ROOT).unwrap_err().code(), "equivocation");
        assert_eq!(catalogue.begin_epoch("a", &ROOT, 3).unwrap_err().code(), "equivocation");
        catalogue.mark_epoch(1, &ROOT, Made::Burnt);
        assert_eq!(catalogue.sign_epoch(1, Hex([7; 32]), &ROOT).unwrap_err().code(), "equivocation");
        assert_eq!(catalogue.begin_epoch("a", &ROOT, 4), Ok(2));
        assert_eq!(catalogue.begin_epoch("a", &OTHER, 4), Ok(1));
        assert_eq!(catalogue.current_epoch(&ROOT), None);
        catalogue.sign_epoch(2, Hex([9; 32]), &ROOT).unwrap();
        catalogue.mark_epoch(2, &ROOT, Made::Confirmed);
        assert_eq!(catalogue.current_epoch(&ROOT).unwrap().epoch, 2);
        assert_eq!(catalogue.epoch_of(&Hex([9; 32]), &ROOT).unwrap().epoch, 2);
        assert_eq!(catalogue.epoch_of(&Hex([9; 32]), &OTHER), None);
    }
}
