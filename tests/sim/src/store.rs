//! The parent's store, and everything that was ever stored in it, so that a hostile parent can return older bytes.

use enclave_core::OwnerKey;
use enclave_core::parent::{Answer, ListEntry, MAX_LISTED, Operation, StoreKey, StoreKind};
use std::collections::BTreeMap;

/// See the module. A clone of it is a fork.
#[derive(Clone, Default)]
pub struct Store {
    /// What is stored.
    pub objects: BTreeMap<StoreKey, Vec<u8>>,
    /// Everything that was ever stored, in order.
    pub past: Vec<(StoreKey, Vec<u8>)>,
}

impl Store {
    /// Answers as an honest parent does.
    pub fn answer(&mut self, operation: Operation<'_>) -> Answer {
        match operation {
            Operation::Get(key) => self.objects.get(&key).cloned().map_or(Answer::NotFound, Answer::Body),
            Operation::Put(key, _) if self.objects.contains_key(&key) => Answer::Exists,
            Operation::Put(key, bytes) | Operation::Replace(key, bytes) => {
                self.objects.insert(key, bytes.to_vec());
                self.past.push((key, bytes.to_vec()));
                Answer::Done
            }
            Operation::List { kind, owner, after } => {
                let keys = self.keys(kind, &owner).into_iter();
                let entries = keys.map(|key| ListEntry { id: key.id, version: key.version });
                Answer::Listed(
                    entries.filter(|entry| after.is_none_or(|last| *entry > last)).take(MAX_LISTED).collect(),
                )
            }
            Operation::Delete(key) => {
                self.objects.remove(&key);
                Answer::Done
            }
            Operation::Boot | Operation::Credentials(_) => Answer::Failed,
        }
    }

    /// The bytes of every other object of this kind, of any owner.
    pub fn other_objects(&self, key: StoreKey) -> Vec<Vec<u8>> {
        let other = |(known, _): &(&StoreKey, &Vec<u8>)| known.kind == key.kind && **known != key;
        self.objects.iter().filter(other).map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Other bytes that were stored earlier under this key, or under an earlier version of it.
    pub fn older_bytes(&self, key: StoreKey) -> Vec<Vec<u8>> {
        let same = |known: &StoreKey| (known.kind, known.owner, known.id) == (key.kind, key.owner, key.id);
        let now = self.objects.get(&key);
        let older =
            |(known, bytes): &&(StoreKey, Vec<u8>)| same(known) && known.version <= key.version && Some(bytes) != now;
        self.past.iter().filter(older).map(|(_, bytes)| bytes.clone()).collect()
    }

    /// The keys of this kind and owner, ascending.
    pub fn keys(&self, kind: StoreKind, owner: &OwnerKey) -> Vec<StoreKey> {
        self.objects.keys().filter(|key| key.kind == kind && key.owner == *owner).copied().collect()
    }
}
