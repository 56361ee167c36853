//! Data keys that KMS unwrapped, remembered for five minutes. A data key is one of two parts of an object's key: each
//! request still needs the owner's key share and the verified record.

use crate::crypto::sha384;
use crate::types::DataKey;
use alloc::collections::VecDeque;

/// The most data keys that are remembered.
pub const MAX_DATA_KEYS: usize = 256;
/// How long a data key is remembered, in milliseconds.
pub const DATA_KEY_AGE: u64 = 300_000;

/// Names a data key: the digest of its encryption context, which has one length, and of the wrapped key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataKeyName([u8; 48]);

impl DataKeyName {
    /// The name of the data key that KMS wrapped under this context.
    pub fn of(context: &str, wrapped: &[u8]) -> Self {
        Self(sha384(&[context.as_bytes(), wrapped]))
    }
}

/// A data key; it is zeroized when it is forgotten.
struct Entry {
    name: DataKeyName,
    key: DataKey,
    since: u64,
}

/// The remembered data keys, the oldest first.
#[derive(Default)]
pub(crate) struct DataKeys(VecDeque<Entry>);

impl DataKeys {
    /// The data key with this name, if KMS unwrapped it less than [`DATA_KEY_AGE`] ago.
    pub fn get(&mut self, name: &DataKeyName, elapsed: u64) -> Option<DataKey> {
        self.forget_old(elapsed);
        self.0.iter().find(|known| known.name == *name).map(|known| known.key.clone())
    }

    /// Remembers a data key. When there are too many, the oldest is forgotten.
    pub fn set(&mut self, name: DataKeyName, key: DataKey, elapsed: u64) {
        self.forget_old(elapsed);
        self.0.retain(|known| known.name != name);
        if self.0.len() >= MAX_DATA_KEYS {
            self.0.pop_front();
        }
        self.0.push_back(Entry { name, key, since: elapsed });
    }

    /// Forgets data keys that are too old.
    pub fn forget_old(&mut self, elapsed: u64) {
        self.0.retain(|known| elapsed.saturating_sub(known.since) < DATA_KEY_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn forgets_by_age_and_by_number() {
        let mut keys = DataKeys::default();
        let name = |n: usize| DataKeyName::of("context", &n.to_be_bytes());
        let key = |n: usize| DataKey::new(&sha256(&[&n.to_be_bytes()]));
        keys.set(name(0), key(0), 1000);
        assert_eq!(keys.get(&name(0), 1000 + DATA_KEY_AGE - 1), Some(key(0)));
        assert_eq!(keys.get(&name(1), 1000), None);
        assert_eq!(keys.get(&name(0), 1000 + DATA_KEY_AGE), None);
        for n in 0..=MAX_DATA_KEYS {
            keys.set(name(n), key(n), 2000);
        }
        assert_eq!(keys.get(&name(0), 2000), None);
        assert_eq!(keys.get(&name(MAX_DATA_KEYS), 2000), Some(key(MAX_DATA_KEYS)));
        // Every call forgets, and so does a call that does nothing else.
        keys.set(name(0), key(0), 2000 + DATA_KEY_AGE);
        assert_eq!(keys.0.len(), 1);
        keys.forget_old(2000 + 2 * DATA_KEY_AGE);
        assert!(keys.0.is_empty());
    }
}
