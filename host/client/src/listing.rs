//! Compares the store's list of an owner's objects with the owner's own catalogue.
//!
//! Nobody can prove that the store's list is complete. Every difference is therefore reported.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, Deployed, Made};
use crate::session::{RequestSpec, Session};
use crate::values::Hex;
use enclave_core::Error as CoreError;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::object::Kind;
use enclave_core::vault;
use std::collections::BTreeMap;

/// The largest number of entries in a list.
const MAX_ENTRIES: u64 = 1_000_000;

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A function.
    Function,
    /// A vault key.
    VaultKey,
}

impl Listed {
    /// The name that is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::VaultKey => "key",
        }
    }
}

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
    pub kind: Listed,
    /// The object's id.
    pub id: Hex<16>,
    /// The version of a function, or the epoch of a vault key.
    pub version: u64,
    /// The function's name in the catalogue; `None` for vault keys and unknown functions.
    pub name: Option<String>,
    /// The function's checksum in the catalogue; `None` for vault keys and unknown functions.
    pub checksum: Option<Hex<32>>,
    /// How store and catalogue differ.
    pub standing: Standing,
}

/// Requests the lists of functions and vault keys, and compares them with the catalogue's entries for this address.
pub fn list(home: &Home, session: &mut Session, identity: &Identity) -> Result<Vec<Entry>, Error> {
    let functions = request_list(session, identity, Kind::Function)?;
    let keys = request_list(session, identity, Kind::VaultKey)?;
    let catalogue: Catalogue = home.load()?;
    let (url, root) = (session.url().to_string(), session.root_id());
    let mut listed = compare(functions, known_functions(&catalogue, &url, &root), Listed::Function);
    listed.extend(compare(keys, known_keys(&catalogue, &url, &root), Listed::VaultKey));
    Ok(listed)
}

/// The catalogue's entries by id and version: name, checksum and state.
type Known = BTreeMap<(Hex<16>, u64), (Option<String>, Option<Hex<32>>, Deployed)>;

fn known_functions(catalogue: &Catalogue, url: &str, root: &Hex<32>) -> Known {
    let here = catalogue.functions().iter().filter(|function| function.url == url && function.root == *root);
    here.map(|f| ((f.id, f.version), (Some(f.name.clone()), Some(f.checksum), f.state))).collect()
}

fn known_keys(catalogue: &Catalogue, url: &str, root: &Hex<32>) -> Known {
    let here = catalogue.vault().iter().filter(|epoch| epoch.url == url && epoch.root == *root);
    let state = |made| match made {
        Made::Confirmed => Deployed::Confirmed,
        Made::Started | Made::Signed | Made::Burnt => Deployed::Started,
    };
    here.filter_map(|e| Some(((Hex(vault::id(&e.kid?.0)), e.epoch), (None, None, state(e.state))))).collect()
}

fn compare(stored: Vec<(Hex<16>, u64)>, mut known: Known, kind: Listed) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (id, version) in stored {
        let (name, checksum, standing) = match known.remove(&(id, version)) {
            None => (None, None, Standing::Unknown),
            Some((name, checksum, state)) => {
                let standing = match state {
                    Deployed::Confirmed => Standing::There,
                    Deployed::Started => Standing::Unconfirmed,
                    Deployed::Deleted => Standing::Returned,
                };
                (name, checksum, standing)
            }
        };
        entries.push(Entry { kind, id, version, name, checksum, standing });
    }
    let missing = known.into_iter().filter(|(_, (_, _, state))| *state == Deployed::Confirmed);
    entries.extend(missing.map(|((id, version), (name, checksum, _))| Entry {
        kind,
        id,
        version,
        name,
        checksum,
        standing: Standing::Missing,
    }));
    entries
}

/// Requests the ids and versions of all objects of one kind.
fn request_list(session: &mut Session, identity: &Identity, kind: Kind) -> Result<Vec<(Hex<16>, u64)>, Error> {
    let mut params = Writer::new();
    params.map(1).uint(1).uint(kind as u64);
    let request = RequestSpec { verb: Verb::List, params: params.finish(), key_shares: Halves::new(), body: None };
    Ok(parse(&session.send_expect_ok(identity, request)?.body)?)
}

/// Parses the body of `list`: [* [id, version]]. The entries must ascend.
fn parse(body: &[u8]) -> Result<Vec<(Hex<16>, u64)>, CoreError> {
    let mut reader = Reader::new(body, Part::Response)?;
    let count = reader.any_array()?;
    if count > MAX_ENTRIES {
        return Err(CoreError::TooLarge(Part::Response));
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        reader.array(2)?;
        entries.push((Hex(reader.fixed()?), reader.uint()?));
    }
    reader.end()?;
    if entries.is_sorted_by(|a, b| a < b) { Ok(entries) } else { Err(CoreError::Malformed(Part::Response)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_difference() {
        let id = |byte| Hex([byte; 16]);
        let known = |state| (Some("f".to_owned()), Some(Hex([0; 32])), state);
        let catalogue = Known::from([
            ((id(1), 1), known(Deployed::Confirmed)),
            ((id(1), 2), known(Deployed::Confirmed)),
            ((id(2), 1), known(Deployed::Started)),
            ((id(3), 1), known(Deployed::Deleted)),
            ((id(4), 1), known(Deployed::Started)),
            ((id(5), 1), known(Deployed::Deleted)),
        ]);
        let stored = vec![(id(1), 1), (id(2), 1), (id(3), 1), (id(9), 7)];
        let found = compare(stored, catalogue, Listed::Function);
        let found: Vec<_> = found.iter().map(|e| (e.id.0[0], e.version, e.standing)).collect();
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
