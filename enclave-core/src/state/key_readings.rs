//! What was read of KMS keys, remembered for ten minutes.

use crate::kms::{Arn, KeyReading};
use crate::time::UnixMillis;
use alloc::vec::Vec;

/// The most KMS keys whose state is remembered.
pub const MAX_KEYS: usize = 64;
/// How old a reading of a KMS key may be, in milliseconds.
pub const KEY_AGE: u64 = 600_000;
/// How soon a key that could not be read is read again, in milliseconds.
pub const KEY_RETRY: u64 = 10_000;

/// Readings of KMS keys, the configuration's first.
#[derive(Default)]
pub(crate) struct KeyReadings(Vec<KeyReading>);

impl KeyReadings {
    /// The reading of this key, if it is fresh.
    pub fn get(&self, arn: &Arn, now: UnixMillis) -> Option<KeyReading> {
        let fresh = |reading: &&KeyReading| {
            let complete = reading.policy.is_some() && reading.metadata.is_some();
            let age = now.since(reading.state.read_at);
            reading.state.arn == *arn && age < if complete { KEY_AGE } else { KEY_RETRY }
        };
        self.0.iter().find(fresh).cloned()
    }

    /// Remembers a reading. When there are too many, the oldest is forgotten, but never the first: every session needs
    /// the configuration's key, and anyone may ask about others.
    pub fn set(&mut self, reading: KeyReading) {
        if let Some(known) = self.0.iter_mut().find(|known| known.state.arn == reading.state.arn) {
            *known = reading;
            return;
        }
        if self.0.len() >= MAX_KEYS {
            self.0.remove(1);
        }
        self.0.push(reading);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsKeyState;
    use alloc::string::String;

    #[test]
    fn never_forgets_the_configurations_key() {
        let mut readings = KeyReadings::default();
        let arn = |n: usize| {
            let arn = alloc::format!("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-{n:012}");
            Arn::parse(&arn).unwrap()
        };
        let reading = |n: usize, read_at| KeyReading {
            state: KmsKeyState { arn: arn(n), policy: None, metadata: None, read_at: UnixMillis::new(read_at) },
            policy: Some(String::new()),
            metadata: Some(Vec::new()),
        };
        let get = |readings: &KeyReadings, n, now| readings.get(&arn(n), UnixMillis::new(now));
        for n in 0..2 * MAX_KEYS {
            readings.set(reading(n, 1000));
        }
        assert!(get(&readings, 0, 1000).is_some());
        assert!(get(&readings, 1, 1000).is_none());
        assert!(get(&readings, 2 * MAX_KEYS - 1, 1000).is_some());
        readings.set(reading(0, 2000));
        assert_eq!(get(&readings, 0, 2000).unwrap().state.read_at.get(), 2000);
        assert_eq!(readings.0.len(), MAX_KEYS);
    }
}
