//! The parent's store: what it holds, and what it ever held, for a parent that lies.

use enclave_core::parent::{Answer, Key, Kind, MAX_LISTED, Operation};
use std::collections::BTreeMap;

/// See the module. A copy of it is a fork.
#[derive(Clone, Default)]
pub struct Store {
    /// What it holds.
    pub objects: BTreeMap<Key, Vec<u8>>,
    /// Everything that was ever stored, in order.
    pub past: Vec<(Key, Vec<u8>)>,
}

impl Store {
    /// Does what an honest parent does.
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
                let of = |key: &&Key| key.kind == kind && key.owner == owner;
                let entries = self.objects.keys().filter(of).map(|key| (key.id, key.version));
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

    /// Whatever else of this kind is there.
    pub fn others(&self, key: Key) -> Vec<Vec<u8>> {
        let other = |(known, _): &(&Key, &Vec<u8>)| known.kind == key.kind && **known != key;
        self.objects.iter().filter(other).map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Other bytes that were once right: under this key, or under a version before it.
    pub fn older(&self, key: Key) -> Vec<Vec<u8>> {
        let same = |known: &Key| (known.kind, known.owner, known.id) == (key.kind, key.owner, key.id);
        let now = self.objects.get(&key);
        let older =
            |(known, bytes): &&(Key, Vec<u8>)| same(known) && known.version <= key.version && Some(bytes) != now;
        self.past.iter().filter(older).map(|(_, bytes)| bytes.clone()).collect()
    }

    /// What is stored of this kind and owner.
    pub fn of(&self, kind: Kind, owner: &[u8; 32]) -> Vec<Key> {
        self.objects.keys().filter(|key| key.kind == kind && key.owner == *owner).copied().collect()
    }
}
