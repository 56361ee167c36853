//! What the sessions of one boot share: the clock, the ids seen, what was read of KMS keys, memory promised.
//!
//! A plain state machine; the lock around it is the driver's ([`Platform::shared`]).

use crate::claims::KmsState;
use crate::config::Arn;
use crate::document;
use crate::platform::{Platform, Purpose};
use crate::{Error, digest, message};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// How old the clock may be before a new document is asked for, in milliseconds.
pub const CLOCK_AGE: u64 = 60_000;
/// The most request ids remembered.
pub const MAX_IDS: usize = 65_536;
/// The most KMS keys whose state is remembered.
pub const MAX_KEYS: usize = 64;
/// How old a reading of a KMS key may be, in milliseconds.
pub const KEY_AGE: u64 = 600_000;
/// How soon a key that could not be read is tried again, in milliseconds.
pub const KEY_RETRY: u64 = 10_000;
/// The most unwrapped data keys remembered.
pub const MAX_DATA_KEYS: usize = 256;
/// How long an unwrapped data key is remembered, in milliseconds.
pub const DATA_KEY_AGE: u64 = 300_000;
/// The most bytes of bodies that all sessions together may hold.
pub const MAX_HELD: u64 = 768 << 20;

/// What was read of a KMS key: digests for the claims, texts for the client.
#[derive(Clone)]
pub struct KeyReading {
    /// The digests and the time.
    pub state: KmsState,
    /// The policy's text.
    pub policy: Option<String>,
    /// `describe`, as its CBOR.
    pub describe: Option<Vec<u8>>,
}

/// See the module.
#[derive(Default)]
pub struct Shared {
    /// The last time said, and when the clock was last set, both with [`Platform::elapsed`] at that moment.
    clock: Option<Clock>,
    ids: BTreeMap<([u8; 32], [u8; 16]), u64>,
    keys: Vec<KeyReading>,
    data_keys: VecDeque<CachedKey>,
    held: u64,
}

/// A data key that KMS unwrapped: half of what opens an object, and no more. It is zeroized when it is forgotten.
struct CachedKey {
    name: [u8; 48],
    key: Zeroizing<[u8; 32]>,
    since: u64,
}

#[derive(Clone, Copy)]
struct Clock {
    time: u64,
    elapsed: u64,
}

impl Shared {
    /// Milliseconds since 1970, if the clock is fresh.
    fn time(&self, elapsed: u64) -> Option<u64> {
        let clock = self.clock?;
        let since = elapsed.checked_sub(clock.elapsed).filter(|since| *since < CLOCK_AGE)?;
        clock.time.checked_add(since)
    }

    /// Sets the clock, never back, and says the time.
    fn set_time(&mut self, time: u64, elapsed: u64) -> u64 {
        let said = self
            .clock
            .map_or(0, |clock| clock.time.saturating_add(elapsed.saturating_sub(clock.elapsed).min(CLOCK_AGE)));
        let time = time.max(said);
        self.clock = Some(Clock { time, elapsed });
        time
    }

    /// Remembers a request's id until its not-after; each is accepted once from a caller.
    pub fn accept(&mut self, caller: &[u8; 32], id: &[u8; 16], not_after: u64, now: u64) -> Result<(), Error> {
        if not_after < now || not_after > now.saturating_add(message::MAX_AHEAD) {
            return Err(Error::RequestExpired);
        }
        if self.ids.len() >= MAX_IDS {
            self.ids.retain(|_, until| *until >= now);
        }
        if self.ids.contains_key(&(*caller, *id)) {
            return Err(Error::Refused);
        }
        if self.ids.len() >= MAX_IDS {
            return Err(Error::Busy);
        }
        self.ids.insert((*caller, *id), not_after);
        Ok(())
    }

    /// What was read of `arn`, if that is fresh.
    pub fn key(&self, arn: &Arn, now: u64) -> Option<KeyReading> {
        let fresh = |reading: &&KeyReading| {
            let whole = reading.policy.is_some() && reading.describe.is_some();
            let age = now.saturating_sub(reading.state.read);
            reading.state.arn == *arn && age < if whole { KEY_AGE } else { KEY_RETRY }
        };
        self.keys.iter().find(fresh).cloned()
    }

    /// Remembers what was read; the oldest reading goes when there are too many.
    pub fn set_key(&mut self, reading: KeyReading) {
        self.keys.retain(|known| known.state.arn != reading.state.arn);
        if self.keys.len() >= MAX_KEYS {
            self.keys.remove(0);
        }
        self.keys.push(reading);
    }
}

/// Under what an unwrapped data key is remembered: the digest of context and wrapped key. The context has one length.
pub fn data_key_name(context: &str, wrapped: &[u8]) -> [u8; 48] {
    digest::sha384(&[context.as_bytes(), wrapped])
}

impl Shared {
    /// The data key of this name, if it was unwrapped at most [`DATA_KEY_AGE`] ago. Owner's half and record are
    /// asked for all the same.
    pub fn data_key(&mut self, name: &[u8; 48], elapsed: u64) -> Option<Zeroizing<[u8; 32]>> {
        self.data_keys.retain(|known| elapsed.saturating_sub(known.since) < DATA_KEY_AGE);
        self.data_keys.iter().find(|known| known.name == *name).map(|known| known.key.clone())
    }

    /// Remembers a data key; the oldest goes when there are too many.
    pub fn set_data_key(&mut self, name: [u8; 48], key: Zeroizing<[u8; 32]>, elapsed: u64) {
        self.data_keys.retain(|known| known.name != name);
        if self.data_keys.len() >= MAX_DATA_KEYS {
            self.data_keys.pop_front();
        }
        self.data_keys.push_back(CachedKey { name, key, since: elapsed });
    }
}

/// The time by the NSM, in milliseconds since 1970, never going back.
pub fn now<P: Platform>(platform: &P) -> Result<u64, Error> {
    let elapsed = platform.elapsed();
    if let Some(time) = platform.shared(|shared| shared.time(elapsed)) {
        return Ok(time);
    }
    let time = document::timestamp(&platform.document(Purpose::Time)?)?;
    // Counted from after the document was there: a clock that lags is refused nothing, one that runs ahead of the
    // documents makes claims that no client accepts.
    let elapsed = platform.elapsed();
    Ok(platform.shared(|shared| shared.set_time(time, elapsed)))
}

/// Memory promised to a session; given back when dropped.
pub struct Held<'p, P: Platform> {
    platform: &'p P,
    bytes: u64,
}

/// Promises `bytes` to a session, or says that there is too much going on.
pub fn hold<P: Platform>(platform: &P, bytes: u64) -> Result<Held<'_, P>, Error> {
    platform.shared(|shared| {
        let held = shared.held.checked_add(bytes).filter(|held| *held <= MAX_HELD).ok_or(Error::Busy)?;
        shared.held = held;
        Ok(Held { platform, bytes })
    })
}

impl<P: Platform> Drop for Held<'_, P> {
    fn drop(&mut self) {
        self.platform.shared(|shared| shared.held = shared.held.saturating_sub(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_on_is_refreshed_and_never_goes_back() {
        let mut shared = Shared::default();
        assert_eq!(shared.time(5), None);
        assert_eq!(shared.set_time(1_000_000, 5), 1_000_000);
        assert_eq!(shared.time(6), Some(1_000_001));
        assert_eq!(shared.time(5 + CLOCK_AGE), None);
        assert_eq!(shared.set_time(900_000, 5 + CLOCK_AGE), 1_000_000 + CLOCK_AGE);
        assert_eq!(shared.time(4), None);
    }

    #[test]
    fn data_keys_are_forgotten_by_age_and_by_number() {
        let mut shared = Shared::default();
        let name = |n: usize| data_key_name("context", &n.to_be_bytes());
        let key = |n: usize| Zeroizing::new(digest::sha256(&[&n.to_be_bytes()]));
        shared.set_data_key(name(0), key(0), 1000);
        assert_eq!(shared.data_key(&name(0), 1000 + DATA_KEY_AGE - 1), Some(key(0)));
        assert_eq!(shared.data_key(&name(1), 1000), None);
        assert_eq!(shared.data_key(&name(0), 1000 + DATA_KEY_AGE), None);
        for n in 0..=MAX_DATA_KEYS {
            shared.set_data_key(name(n), key(n), 2000);
        }
        assert_eq!(shared.data_key(&name(0), 2000), None);
        assert_eq!(shared.data_key(&name(MAX_DATA_KEYS), 2000), Some(key(MAX_DATA_KEYS)));
    }

    #[test]
    fn an_id_is_accepted_once_until_its_time() {
        let mut shared = Shared::default();
        assert_eq!(shared.accept(&[1; 32], &[2; 16], 99, 100), Err(Error::RequestExpired));
        assert_eq!(shared.accept(&[1; 32], &[2; 16], 100 + message::MAX_AHEAD + 1, 100), Err(Error::RequestExpired));
        assert_eq!(shared.accept(&[1; 32], &[2; 16], 100, 100), Ok(()));
        assert_eq!(shared.accept(&[1; 32], &[2; 16], 200, 100), Err(Error::Refused));
        assert_eq!(shared.accept(&[3; 32], &[2; 16], 200, 100), Ok(()));
    }

    #[test]
    fn a_full_memory_of_ids_says_busy_until_they_expire() {
        let mut shared = Shared::default();
        for n in 0..MAX_IDS as u128 {
            assert_eq!(shared.accept(&[1; 32], &n.to_be_bytes(), 500, 100), Ok(()));
        }
        assert_eq!(shared.accept(&[2; 32], &[9; 16], 600, 500), Err(Error::Busy));
        assert_eq!(shared.accept(&[2; 32], &[9; 16], 600, 501), Ok(()));
    }
}
