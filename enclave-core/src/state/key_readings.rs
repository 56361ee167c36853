//! What was read of KMS keys, remembered for ten minutes. A key is read by one session at a time.

use crate::Error;
use crate::kms::{Arn, KeyReading};
use crate::time::UnixMillis;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The most KMS keys whose state is remembered.
pub const MAX_KEYS: usize = 64;
/// How old a reading of a KMS key may be, in milliseconds.
pub const KEY_AGE: u64 = 600_000;
/// How soon a key that could not be read is read again, in milliseconds.
pub const KEY_RETRY: u64 = 10_000;

/// The most readings in a minute of keys that are not the configuration's.
pub const MAX_READINGS: usize = 60;
const MINUTE: u64 = 60_000;

/// Readings of KMS keys, the configuration's first.
#[derive(Default)]
pub(crate) struct KeyReadings {
    known: Vec<KeyReading>,
    /// The keys that a session is reading now.
    in_flight: Vec<Arn>,
    /// When the last readings of keys began that are not the configuration's.
    begun: Vec<UnixMillis>,
}

/// What a session that needs a key's state does next.
pub(crate) enum Reading {
    /// The key was read a short time ago.
    Known(Box<KeyReading>),
    /// Another session is reading the key: wait, and ask again.
    Wait,
    /// Read the key, then call [`KeyReadings::finish`], whatever KMS answered.
    Begin,
}

impl KeyReadings {
    /// What to do next for the state of this key. `configured` is for the configuration's key, whose readings do not
    /// count.
    ///
    /// # Errors
    /// [`Error::Busy`] after [`MAX_READINGS`] in a minute.
    pub fn begin(&mut self, arn: &Arn, configured: bool, now: UnixMillis) -> Result<Reading, Error> {
        if let Some(known) = self.get(arn, now) {
            return Ok(Reading::Known(Box::new(known)));
        }
        if self.in_flight.contains(arn) {
            return Ok(Reading::Wait);
        }
        if !configured {
            self.begun.retain(|begun| now.since(*begun) < MINUTE);
            if self.begun.len() >= MAX_READINGS {
                let first = self.begun.first().copied().unwrap_or(now);
                return Err(Error::busy_until(first.plus(MINUTE), now));
            }
            self.begun.push(now);
        }
        self.in_flight.push(arn.clone());
        Ok(Reading::Begin)
    }

    /// Remembers what was read. When there are too many readings, the oldest is forgotten, but never the first: every
    /// session needs the configuration's key, and anyone may ask about others.
    pub fn finish(&mut self, reading: KeyReading) {
        self.in_flight.retain(|arn| *arn != reading.state.arn);
        if let Some(known) = self.known.iter_mut().find(|known| known.state.arn == reading.state.arn) {
            *known = reading;
            return;
        }
        if self.known.len() >= MAX_KEYS {
            self.known.remove(1);
        }
        self.known.push(reading);
    }

    /// The reading of this key, if it is fresh.
    fn get(&self, arn: &Arn, now: UnixMillis) -> Option<KeyReading> {
        let fresh = |reading: &&KeyReading| {
            let complete = reading.policy.is_some() && reading.metadata.is_some();
            let age = now.since(reading.state.read_at);
            reading.state.arn == *arn && age < if complete { KEY_AGE } else { KEY_RETRY }
        };
        self.known.iter().find(fresh).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsKeyState;
    use alloc::string::String;

    fn arn(n: usize) -> Arn {
        let arn = alloc::format!("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-{n:012}");
        Arn::parse(&arn).unwrap()
    }

    #[test]
    fn never_forgets_the_configurations_key() {
        let mut readings = KeyReadings::default();
        let reading = |n: usize, read_at| KeyReading {
            state: KmsKeyState { arn: arn(n), policy: None, metadata: None, read_at: UnixMillis::new(read_at) },
            policy: Some(String::new()),
            metadata: Some(Vec::new()),
        };
        let get = |readings: &KeyReadings, n, now| readings.get(&arn(n), UnixMillis::new(now));
        for n in 0..2 * MAX_KEYS {
            readings.finish(reading(n, 1000));
        }
        assert!(get(&readings, 0, 1000).is_some());
        assert!(get(&readings, 1, 1000).is_none());
        assert!(get(&readings, 2 * MAX_KEYS - 1, 1000).is_some());
        readings.finish(reading(0, 2000));
        assert_eq!(get(&readings, 0, 2000).unwrap().state.read_at.get(), 2000);
        assert_eq!(readings.known.len(), MAX_KEYS);
    }

    #[test]
    fn a_key_is_read_by_one_session_at_a_time_and_strangers_keys_sixty_times_a_minute() {
        let mut readings = KeyReadings::default();
        let mut begin = |n, configured, now| readings.begin(&arn(n), configured, UnixMillis::new(now));
        assert!(matches!(begin(0, true, 0), Ok(Reading::Begin)));
        assert!(matches!(begin(0, true, 0), Ok(Reading::Wait)));
        for n in 1..=MAX_READINGS {
            assert!(matches!(begin(n, false, 0), Ok(Reading::Begin)));
        }
        assert_eq!(begin(99, false, MINUTE - 1).err(), Some(Error::Busy(1)));
        assert_eq!(begin(99, false, 0).err(), Some(Error::Busy(60)));
        assert!(matches!(begin(98, true, MINUTE - 1), Ok(Reading::Begin)));
        assert!(matches!(begin(99, false, MINUTE), Ok(Reading::Begin)));
    }
}
