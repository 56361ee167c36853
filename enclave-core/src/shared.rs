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
/// The most bytes of bodies and stored objects, of what is in them, and of results on their way, that all sessions
/// together may hold. What a worker has written so far is not in it: at most eight results at a time.
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

/// A document's time, when it was, and the last time that anybody was told.
#[derive(Clone, Copy)]
struct Clock {
    time: u64,
    elapsed: u64,
    said: u64,
}

impl Shared {
    /// Milliseconds since 1970, if the clock is fresh. Whoever read `elapsed` before another thread set the clock is
    /// told what was told last.
    fn time(&mut self, elapsed: u64) -> Option<u64> {
        let clock = self.clock.as_mut()?;
        let since = elapsed.saturating_sub(clock.elapsed);
        if since >= CLOCK_AGE {
            return None;
        }
        clock.said = clock.said.max(clock.time.saturating_add(since));
        Some(clock.said)
    }

    /// Sets the clock and says the time, which never goes back: it stands until a document has caught up with what
    /// was said. A document older than the one that set it changes nothing.
    fn set_time(&mut self, time: u64, elapsed: u64) -> u64 {
        let clock = self.clock.get_or_insert(Clock { time, elapsed, said: time });
        if elapsed >= clock.elapsed {
            *clock = Clock { time, elapsed, said: clock.said.max(time) };
        }
        clock.said
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

    /// Remembers what was read. When there are too many the oldest goes, but never the first: that is the
    /// configuration's, which every session needs, and anybody may ask about others.
    pub fn set_key(&mut self, reading: KeyReading) {
        if let Some(known) = self.keys.iter_mut().find(|known| known.state.arn == reading.state.arn) {
            *known = reading;
            return;
        }
        if self.keys.len() >= MAX_KEYS {
            self.keys.remove(1);
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
        self.forget(elapsed);
        self.data_keys.iter().find(|known| known.name == *name).map(|known| known.key.clone())
    }

    /// Remembers a data key; the oldest goes when there are too many.
    pub fn set_data_key(&mut self, name: [u8; 48], key: Zeroizing<[u8; 32]>, elapsed: u64) {
        self.forget(elapsed);
        self.data_keys.retain(|known| known.name != name);
        if self.data_keys.len() >= MAX_DATA_KEYS {
            self.data_keys.pop_front();
        }
        self.data_keys.push_back(CachedKey { name, key, since: elapsed });
    }

    fn forget(&mut self, elapsed: u64) {
        self.data_keys.retain(|known| elapsed.saturating_sub(known.since) < DATA_KEY_AGE);
    }
}

/// Zeroizes the data keys that are too old: for the driver to call now and then, also when nobody asks for anything.
pub fn forget<P: Platform>(platform: &P) {
    let elapsed = platform.elapsed();
    platform.shared(|shared| shared.forget(elapsed));
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
        assert_eq!(shared.set_time(900_000, 5 + CLOCK_AGE), 1_000_001);
        assert_eq!(shared.time(4), Some(1_000_001));
        assert_eq!(shared.time(6 + CLOCK_AGE), Some(1_000_001));
    }

    /// Another thread's document may be set first, though it is the newer one; and the machine's seconds may be
    /// shorter than the NSM's. Neither adds up.
    #[test]
    fn the_clock_does_not_run_away_from_the_documents() {
        let mut shared = Shared::default();
        assert_eq!(shared.set_time(1_000_500, 500), 1_000_500);
        assert_eq!(shared.set_time(1_000_100, 100), 1_000_500);
        assert_eq!(shared.time(600), Some(1_000_600));
        let (mut elapsed, mut documents) = (500, 1_000_500);
        for _ in 0..1000 {
            elapsed += CLOCK_AGE;
            documents += CLOCK_AGE - 10;
            shared.time(elapsed - 1);
            let told = shared.set_time(documents, elapsed);
            assert!(told < documents + 100, "{told} is ahead of {documents}");
        }
    }

    #[test]
    fn the_configurations_key_is_not_forgotten() {
        let mut shared = Shared::default();
        let arn = |n: usize| {
            let arn = alloc::format!("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-{n:012}");
            Arn::parse(&arn).unwrap()
        };
        let reading = |n: usize, read| KeyReading {
            state: KmsState { arn: arn(n), policy: None, describe: None, read },
            policy: Some(String::new()),
            describe: Some(Vec::new()),
        };
        for n in 0..2 * MAX_KEYS {
            shared.set_key(reading(n, 1000));
        }
        assert!(shared.key(&arn(0), 1000).is_some());
        assert!(shared.key(&arn(1), 1000).is_none());
        assert!(shared.key(&arn(2 * MAX_KEYS - 1), 1000).is_some());
        shared.set_key(reading(0, 2000));
        assert_eq!(shared.key(&arn(0), 2000).unwrap().state.read, 2000);
        assert_eq!(shared.keys.len(), MAX_KEYS);
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
        // Whatever is done, and nothing at all, makes those go that are too old.
        shared.set_data_key(name(0), key(0), 2000 + DATA_KEY_AGE);
        assert_eq!(shared.data_keys.len(), 1);
        shared.forget(2000 + 2 * DATA_KEY_AGE);
        assert!(shared.data_keys.is_empty());
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
