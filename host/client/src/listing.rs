//! Compares the store's list of an owner's objects with the owner's own catalogue.
//!
//! Nobody can prove that the store's list is complete. Every difference is therefore reported.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, DeploymentState, EpochState};
use crate::root_id::RootId;
use crate::session::{RequestSpec, Session};
use enclave_core::identity::Identity;
use enclave_core::messages::{ListParams, parse_list};
use enclave_core::objects::ObjectKind;
use enclave_core::parent::ListEntry;
use enclave_core::{Checksum, ObjectId};
use std::collections::BTreeMap;

/// How store and catalogue differ about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The entry is in both.
    There,
    /// The entry is in the catalogue, but not in the store.
    Missing,
    /// The entry is in the store, but not in the catalogue.
    Unknown,
    /// The entry is in the store, but the catalogue has it as not confirmed.
    Unconfirmed,
    /// The entry is in the store, although its deletion was requested.
    Returned,
}

impl Standing {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Unconfirmed => "unconfirmed",
            Self::Returned => "returned",
        }
    }
}

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether it is a function or a vault key.
    pub kind: ObjectKind,
    /// The object's id.
    pub id: ObjectId,
    /// The version of a function, or the epoch of a vault key.
    pub version: u64,
    /// The function's name in the catalogue; `None` for vault keys and unknown functions.
    pub name: Option<String>,
    /// The function's checksum in the catalogue; `None` for vault keys and unknown functions.
    pub checksum: Option<Checksum>,
    /// How store and catalogue differ.
    pub standing: Standing,
}

/// Requests the lists of functions and vault keys, and compares them with the catalogue's entries for this address.
///
/// # Errors
/// [`Error::Local`] for an invalid list; [`Error::Answered`] if the enclave refuses; those of [`Session::send`] and
/// [`Home::load`].
pub fn list(home: &Home, session: &mut Session, identity: &Identity) -> Result<Vec<Entry>, Error> {
    let functions = request_list(session, identity, ObjectKind::Function)?;
    let keys = request_list(session, identity, ObjectKind::VaultKey)?;
    let catalogue: Catalogue = home.load_of(&identity.owner())?;
    let (url, root) = (session.url().to_string(), session.root_id());
    let mut listed = compare(functions, known_functions(&catalogue, &url, &root), ObjectKind::Function);
    listed.extend(compare(keys, known_keys(&catalogue, &url, &root), ObjectKind::VaultKey));
    Ok(listed)
}

/// The catalogue's entries: name, checksum and state.
type CatalogueEntries = BTreeMap<ListEntry, (Option<String>, Option<Checksum>, DeploymentState)>;

fn known_functions(catalogue: &Catalogue, url: &str, root: &RootId) -> CatalogueEntries {
    let here = catalogue.functions().iter().filter(|function| function.url == url && function.root.0 == *root);
    here.map(|f| {
        let entry = ListEntry { id: f.id.0, version: f.version };
        (entry, (Some(f.name.clone()), Some(f.checksum.0), f.state))
    })
    .collect()
}

fn known_keys(catalogue: &Catalogue, url: &str, root: &RootId) -> CatalogueEntries {
    let here = catalogue.vault().iter().filter(|epoch| epoch.url == url && epoch.root.0 == *root);
    let state = |made| match made {
        EpochState::Confirmed => DeploymentState::Confirmed,
        EpochState::Started | EpochState::Signed | EpochState::Burnt => DeploymentState::Started,
    };
    here.filter_map(|e| {
        let entry = ListEntry { id: e.kid?.0.object_id(), version: e.epoch };
        Some((entry, (None, None, state(e.state))))
    })
    .collect()
}

fn compare(stored: Vec<ListEntry>, mut known: CatalogueEntries, kind: ObjectKind) -> Vec<Entry> {
    let mut entries = Vec::new();
    for listed in stored {
        let (name, checksum, standing) = match known.remove(&listed) {
            None => (None, None, Standing::Unknown),
            Some((name, checksum, state)) => {
                let standing = match state {
                    DeploymentState::Confirmed => Standing::There,
                    DeploymentState::Started => Standing::Unconfirmed,
                    DeploymentState::Deleted => Standing::Returned,
                };
                (name, checksum, standing)
            }
        };
        let ListEntry { id, version } = listed;
        entries.push(Entry { kind, id, version, name, checksum, standing });
    }
    let missing = known.into_iter().filter(|(_, (_, _, state))| *state == DeploymentState::Confirmed);
    entries.extend(missing.map(|(ListEntry { id, version }, (name, checksum, _))| Entry {
        kind,
        id,
        version,
        name,
        checksum,
        standing: Standing::Missing,
    }));
    entries
}

/// Requests the ids and versions of all objects of one kind, in ascending order. The store can withhold and invent
/// entries.
///
/// # Errors
/// [`Error::Local`] for an invalid list; those of [`Session::send`].
pub fn request_list(session: &mut Session, identity: &Identity, kind: ObjectKind) -> Result<Vec<ListEntry>, Error> {
    let request = RequestSpec::new(&ListParams { kind: kind.store_kind() });
    Ok(parse_list(&session.send_expect_ok(identity, request)?.body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_difference() {
        let entry = |byte, version| ListEntry { id: ObjectId::new([byte; 16]), version };
        let known = |state| (Some("f".to_owned()), Some(Checksum::new([0; 32])), state);
        let catalogue = CatalogueEntries::from([
            (entry(1, 1), known(DeploymentState::Confirmed)),
            (entry(1, 2), known(DeploymentState::Confirmed)),
            (entry(2, 1), known(DeploymentState::Started)),
            (entry(3, 1), known(DeploymentState::Deleted)),
            (entry(4, 1), known(DeploymentState::Started)),
            (entry(5, 1), known(DeploymentState::Deleted)),
        ]);
        let stored = vec![entry(1, 1), entry(2, 1), entry(3, 1), entry(9, 7)];
        let found = compare(stored, catalogue, ObjectKind::Function);
        let found: Vec<_> = found.iter().map(|e| (e.id.as_bytes()[0], e.version, e.standing)).collect();
        assert_eq!(
            found,
            [
                (1, 1, Standing::There),
                (2, 1, Standing::Unconfirmed),
                (3, 1, Standing::Returned),
                (9, 7, Standing::Unknown),
                (1, 2, Standing::Missing),
            ]
        );
    }
}
