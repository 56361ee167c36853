//! The sessions that are served now. When all places are taken, a new client gets that of a session whose client is
//! silent: places go to those who ask.

use crate::transport::Socket;
use enclave_core::Error;
use enclave_core::state::{Account, Pool};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most sessions at a time.
pub const MAX_SESSIONS: usize = 64;
/// The most sessions at a time with those whose place went to another one and whose thread has not ended yet.
const MAX_THREADS: usize = 2 * MAX_SESSIONS;
/// How long a client whose caller is known may be silent before its place can go to another one.
const SILENCE: Duration = Duration::from_secs(60);

/// The places of all sessions. Callers have shares of them.
pub struct Sessions(Mutex<(Vec<Arc<Place>>, Pool)>);

/// A session's place, as its session sees it and as others do.
pub struct Place {
    socket: Arc<Socket>,
    seen: Mutex<Seen>,
    sessions: Arc<Sessions>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    /// Since when the session waits for its client; `None` while it does something.
    silent: Option<Instant>,
    /// Whose share the place is of, once the caller is known.
    account: Option<Account>,
}

impl Sessions {
    /// All places are free.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((Vec::new(), Pool::new(MAX_SESSIONS as u64)))))
    }

    fn table(&self) -> MutexGuard<'_, (Vec<Arc<Place>>, Pool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a client on this socket. If all are taken, it ends the session that can best be spared: the one
    /// that has been silent for the longest time among those without a known caller, or else among those that have been
    /// silent for `SILENCE`. `None` if there is none, or if too many ended sessions still have their threads.
    pub fn take(self: &Arc<Self>, socket: &Arc<Socket>) -> Option<Arc<Place>> {
        let mut table = self.table();
        // Every place holds a reference, also an ended session's for as long as its thread exists.
        if Arc::strong_count(self) > MAX_THREADS {
            return None;
        }
        if table.0.len() >= MAX_SESSIONS {
            let spared = spare(&table.0, Instant::now())?;
            // Its thread finds the connection closed and ends. Its place is free at once.
            spared.socket.shutdown();
            free(&mut table, &spared);
        }
        let place = Arc::new(Place { socket: socket.clone(), seen: Mutex::default(), sessions: self.clone() });
        table.0.push(place.clone());
        Some(place)
    }
}

/// The session to end for another one.
fn spare(places: &[Arc<Place>], now: Instant) -> Option<Arc<Place>> {
    let candidates = places.iter().filter_map(|place| {
        let Seen { silent, account } = *place.seen();
        let since = silent.filter(|since| account.is_none() || now.duration_since(*since) >= SILENCE)?;
        Some((account.is_some(), since, place))
    });
    candidates.min_by_key(|(known, since, _)| (*known, *since)).map(|(.., place)| place.clone())
}

fn free((places, pool): &mut (Vec<Arc<Place>>, Pool), place: &Arc<Place>) {
    let before = places.len();
    places.retain(|other| !Arc::ptr_eq(other, place));
    if let Some(account) = place.seen().account.filter(|_| places.len() < before) {
        pool.give_back(account, 1);
    }
}

impl Place {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the session waits for its client from now on.
    pub(crate) fn wait(&self, waits: bool) {
        self.seen().silent = waits.then(Instant::now);
    }

    /// Counts the place to a known caller's share.
    ///
    /// # Errors
    /// [`Error::Busy`] if the share is used up, or if the place went to another session in the meantime.
    pub(crate) fn admit(&self, account: Account) -> Result<(), Error> {
        let mut table = self.sessions.table();
        if !table.0.iter().any(|place| ptr::eq(place.as_ref(), self)) {
            return Err(Error::BUSY);
        }
        table.1.take(account, 1)?;
        self.seen().account = Some(account);
        Ok(())
    }

    /// The session has ended, or never began.
    pub fn give_back(self: &Arc<Self>) {
        free(&mut self.sessions.table(), self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::OwnerKey;
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    fn socket() -> (Arc<Socket>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Arc::new(Socket::Unix(ours)), theirs)
    }

    /// All places, taken; and the clients' ends.
    fn full(sessions: &Arc<Sessions>, account: Option<Account>) -> Vec<(Arc<Place>, UnixStream)> {
        let place = |_| {
            let (socket, client) = socket();
            let place = sessions.take(&socket).unwrap();
            if let Some(account) = account {
                place.admit(account).unwrap();
            }
            (place, client)
        };
        (0..MAX_SESSIONS).map(place).collect()
    }

    fn ended(client: &mut UnixStream) -> bool {
        client.set_nonblocking(true).unwrap();
        client.read(&mut [0]).is_ok_and(|length| length == 0)
    }

    #[test]
    fn the_longest_silent_session_without_a_caller_makes_room() {
        let sessions = Sessions::new();
        let mut places = full(&sessions, None);
        // All are busy: nobody is ended.
        assert!(sessions.take(&socket().0).is_none());
        for silent in [7, 3] {
            places[silent].0.wait(true);
        }
        let (next, _client) = socket();
        let place = sessions.take(&next).unwrap();
        assert!(ended(&mut places[7].1) && !ended(&mut places[3].1));
        // The ended session's thread gives back nothing that is another's by now.
        places[7].0.give_back();
        assert_eq!(sessions.table().0.len(), MAX_SESSIONS);
        place.give_back();
        assert_eq!(sessions.table().0.len(), MAX_SESSIONS - 1);
    }

    #[test]
    fn a_session_whose_place_is_gone_takes_no_share() {
        let sessions = Sessions::new();
        let mut places = full(&sessions, None);
        places[0].0.wait(true);
        let (next, client) = socket();
        places.push((sessions.take(&next).unwrap(), client));
        assert_eq!(places[0].0.admit(Account::ANYONE), Err(Error::BUSY));
        places.iter().for_each(|(place, _)| place.give_back());
        assert_eq!(sessions.table().1.take(Account::ANYONE, MAX_SESSIONS as u64), Ok(()));
    }

    #[test]
    fn ended_sessions_with_threads_are_limited() {
        let sessions = Sessions::new();
        let mut places = full(&sessions, None);
        let mut next = || {
            places.iter().for_each(|(place, _)| place.wait(true));
            let (next, client) = socket();
            places.push((sessions.take(&next)?, client));
            Some(())
        };
        let more = (0..=MAX_THREADS).map_while(|_| next()).count();
        assert_eq!(more, MAX_THREADS - MAX_SESSIONS);
        places.remove(0);
        places.iter().for_each(|(place, _)| place.wait(true));
        assert!(sessions.take(&socket().0).is_some());
    }

    #[test]
    fn a_known_caller_keeps_the_place_for_a_minute_of_silence() {
        let sessions = Sessions::new();
        let places = full(&sessions, Some(Account::ANYONE));
        places[5].0.wait(true);
        assert!(sessions.take(&socket().0).is_none());
        let later = Instant::now() + SILENCE;
        let spared = |now| spare(&sessions.table().0, now);
        assert!(spared(Instant::now()).is_none());
        assert!(spared(later).is_some_and(|place| Arc::ptr_eq(&place, &places[5].0)));
        // A client without a known caller goes first, however short its silence.
        places[6].0.seen().account = None;
        places[6].0.wait(true);
        assert!(spared(later).is_some_and(|place| Arc::ptr_eq(&place, &places[6].0)));
    }

    #[test]
    fn one_deployers_sessions_leave_places_for_anothers() {
        let sessions = Sessions::new();
        let places = full(&sessions, None);
        let deployer = |byte| Account::new(Some(OwnerKey::new([byte; 32])), 2);
        let admitted = places.iter().filter(|(place, _)| place.admit(deployer(1)).is_ok()).count();
        assert!((32..=48).contains(&admitted), "{admitted}");
        let rest = &places[admitted..];
        assert!(rest.iter().take(10).all(|(place, _)| place.admit(deployer(2)).is_ok()));
        places.iter().for_each(|(place, _)| place.give_back());
        assert!(sessions.table().0.is_empty());
        assert_eq!(sessions.table().1.take(Account::ANYONE, MAX_SESSIONS as u64), Ok(()));
    }
}
