//! The parent's count of the sessions that the enclave serves.
//!
//! An enclave serves 64 sessions at a time. If all are taken, it ends the one whose client has been silent for the
//! longest time. In a crowd that is a client that is about to answer. The parent therefore passes on no more clients than
//! the enclave has places for, and lets the others wait. A client that has been silent for long is not counted: the
//! enclave then decides which session it ends.
//!
//! The parent cannot tell a client that awaits a result from one that has sent half a request. Now and then it therefore
//! passes on a client that has waited in vain. The enclave ends a session in which it awaits the client, or closes the new
//! connection, and the client is told that there is no place.

use crate::Error;
use crate::stream::Until;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often a waiting thread checks for silent clients and for the parent's shutdown.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long after its end a client that received no answer is still counted.
const GONE: Duration = Duration::from_secs(1);

/// The places of one enclave, and the threads that wait for one.
pub(crate) struct EnclavePlaces {
    most: usize,
    silence: Duration,
    pass: Duration,
    state: Mutex<State>,
}

struct State {
    taken: Vec<Arc<Activity>>,
    /// When a client was last passed on without a place.
    passed: Instant,
    /// First come, first served. Numbers tell the entries of one thread apart.
    waiting: VecDeque<(u64, Thread)>,
    next: u64,
}

/// Holding one proves that a client is counted, unless it is silent or gone. Dropping it makes room for another one.
pub(crate) struct EnclavePlace {
    places: Arc<EnclavePlaces>,
    activity: Arc<Activity>,
}

/// When bytes last passed in a connection, who sent them, and when the client ended its side.
struct Activity(Mutex<Passed>);

struct Passed {
    at: Instant,
    sender: Sender,
    client_ended: Option<Instant>,
}

/// One of the two sides of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Enclave,
}

impl Activity {
    fn new() -> Arc<Self> {
        // Before its first byte, a client is the one for which the other side waits.
        Arc::new(Self(Mutex::new(Passed { at: Instant::now(), sender: Sender::Enclave, client_ended: None })))
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the enclave has been waiting for the client for this long, or the client is gone.
    ///
    /// The enclave may not learn that the client is gone: vhost-device-vsock passes on no end of one direction.
    fn is_silent(&self, silence: Duration, now: Instant) -> bool {
        let Passed { at, sender, client_ended } = *self.passed();
        let answered = sender == Sender::Enclave;
        match client_ended {
            Some(ended) => answered || now.saturating_duration_since(ended) >= GONE,
            None => answered && now.saturating_duration_since(at) >= silence,
        }
    }
}

impl EnclavePlaces {
    /// At most `most` clients that have not been silent for `silence`, and one more each `pass`.
    pub fn new(most: usize, silence: Duration, pass: Duration) -> Arc<Self> {
        let state = State { taken: Vec::new(), passed: Instant::now(), waiting: VecDeque::new(), next: 0 };
        Arc::new(Self { most, silence, pass, state: Mutex::new(state) })
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Error::NoPlace`] at the deadline, [`Error::Stopping`] if the parent is shutting down.
    pub fn take(self: &Arc<Self>, until: Until<'_>) -> Result<EnclavePlace, Error> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back((number, thread::current()));
        let taken = loop {
            let now = Instant::now();
            if until.shutdown.is_set() {
                break Err(Error::Stopping);
            }
            let left = until.deadline.saturating_duration_since(now);
            let passes = left.is_zero() && now.saturating_duration_since(state.passed) >= self.pass;
            if passes {
                state.passed = now;
            }
            let first = state.waiting.front().is_some_and(|(first, _)| *first == number);
            if passes || (first && self.has_room(&state, now)) {
                let activity = Activity::new();
                state.taken.push(Arc::clone(&activity));
                break Ok(EnclavePlace { places: Arc::clone(self), activity });
            }
            if left.is_zero() {
                break Err(Error::NoPlace);
            }
            drop(state);
            thread::park_timeout(left.min(INTERVAL));
            state = self.state();
        };
        state.waiting.retain(|(other, _)| *other != number);
        wake_first(&state);
        taken
    }

    fn has_room(&self, state: &State, now: Instant) -> bool {
        state.taken.iter().filter(|activity| !activity.is_silent(self.silence, now)).count() < self.most
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_first(state: &State) {
    if let Some((_, thread)) = state.waiting.front() {
        thread.unpark();
    }
}

impl EnclavePlace {
    /// Notes that bytes of this side have passed.
    pub fn note(&self, sender: Sender) {
        let mut passed = self.activity.passed();
        (passed.at, passed.sender) = (Instant::now(), sender);
    }

    /// Notes that the client has ended its side. Further calls change nothing.
    pub fn note_end(&self) {
        self.activity.passed().client_ended.get_or_insert_with(Instant::now);
    }
}

impl Drop for EnclavePlace {
    fn drop(&mut self) {
        let mut state = self.places.state();
        state.taken.retain(|other| !Arc::ptr_eq(other, &self.activity));
        wake_first(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shutdown_signal::ShutdownSignal;

    const NEVER: Duration = Duration::from_secs(600);

    fn within(signal: &ShutdownSignal, time: Duration) -> Until<'_> {
        Until { deadline: Instant::now() + time, shutdown: signal }
    }

    #[test]
    fn a_client_waits_for_a_place_and_not_for_ever() {
        let signal = ShutdownSignal::new().unwrap();
        let places = EnclavePlaces::new(1, NEVER, NEVER);
        let held = places.take(within(&signal, NEVER)).ok().unwrap();
        assert!(matches!(places.take(within(&signal, Duration::from_millis(5))), Err(Error::NoPlace)));
        assert!(places.state().waiting.is_empty());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| places.take(within(&signal, NEVER)).is_ok());
            drop(held);
            assert!(waiting.join().unwrap());
        });
        assert!(places.state().taken.is_empty());
    }

    #[test]
    fn a_client_that_waits_in_vain_is_passed_on_now_and_then() {
        let signal = ShutdownSignal::new().unwrap();
        let soon = || within(&signal, Duration::from_millis(5));
        // Clients of which no byte can be told from those of a run hold the only place.
        let places = EnclavePlaces::new(1, NEVER, Duration::from_secs(60));
        let held = places.take(soon()).ok().unwrap();
        held.note(Sender::Client);
        assert!(matches!(places.take(soon()), Err(Error::NoPlace)));
        places.state().passed -= Duration::from_secs(60);
        assert!(places.take(soon()).is_ok());
        assert!(matches!(places.take(soon()), Err(Error::NoPlace)));
    }

    #[test]
    fn the_parents_shutdown_ends_the_wait() {
        let signal = ShutdownSignal::new().unwrap();
        let places = EnclavePlaces::new(0, NEVER, NEVER);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| places.take(within(&signal, NEVER)).err());
            signal.set();
            assert!(matches!(waiting.join().unwrap(), Some(Error::Stopping)));
        });
    }

    #[test]
    fn a_client_that_is_silent_for_long_is_not_counted() {
        let signal = ShutdownSignal::new().unwrap();
        let places = EnclavePlaces::new(1, NEVER, NEVER);
        let first = places.take(within(&signal, NEVER)).ok().unwrap();
        let now = Instant::now();
        assert!(!places.has_room(&places.state(), now));
        assert!(places.has_room(&places.state(), now + NEVER));
        // The enclave works for this client. However long that takes, it is not the client's silence.
        first.note(Sender::Client);
        assert!(!places.has_room(&places.state(), now + 2 * NEVER));
        first.note(Sender::Enclave);
        assert!(places.has_room(&places.state(), now + 2 * NEVER));
    }

    #[test]
    fn a_client_that_is_gone_is_not_counted() {
        let signal = ShutdownSignal::new().unwrap();
        let places = EnclavePlaces::new(1, NEVER, NEVER);
        let place = places.take(within(&signal, NEVER)).ok().unwrap();
        place.note(Sender::Client);
        place.note_end();
        // It may have ended one direction only, and wait for its answer.
        let now = Instant::now();
        assert!(!places.has_room(&places.state(), now) && places.has_room(&places.state(), now + GONE));
        place.note(Sender::Enclave);
        assert!(places.has_room(&places.state(), now));
    }
}
