//! The clients.

use crate::level::{Attempt, Level};
use crate::memory::Watch;
use capelet::error::Error;
use capelet_bench::{Place, input};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two looks at the memory.
const LOOK: Duration = Duration::from_millis(50);

/// Measures a new enclave with this number of clients, which begin no run after `time`.
pub fn measure(clients: usize, time: Duration) -> Level {
    let place = Place::new();
    let local = place.local.as_ref().unwrap();
    let start = Instant::now();
    let running = AtomicUsize::new(clients);
    let mut watch = Watch::new(local);
    let attempts: Vec<Attempt> = thread::scope(|scope| {
        let started: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let attempts = client(&place, start + time);
                    running.fetch_sub(1, Ordering::Relaxed);
                    attempts
                })
            })
            .collect();
        while running.load(Ordering::Relaxed) > 0 {
            watch.look();
            thread::sleep(LOOK);
        }
        started.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let level = Level::new(clients, &attempts, start.elapsed(), watch.peaks());
    place.local.unwrap().stop();
    level
}

/// One client. If the enclave has no place, the client waits for the time that it was told.
fn client(place: &Place, until: Instant) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    while Instant::now() < until {
        let start = Instant::now();
        let ended = once(place);
        let failed = ended.as_ref().err().map(|error| error.code().to_owned());
        attempts.push(Attempt { took: start.elapsed(), failed });
        let left = until.saturating_duration_since(Instant::now());
        thread::sleep(ended.err().map_or(Duration::ZERO, |error| pause(&error)).min(left));
    }
    attempts
}

fn once(place: &Place) -> Result<(), Error> {
    let mut session = place.try_connect()?;
    place.try_run(&mut session, input(0))?.output.map(drop).map_err(Error::Answered)
}

/// How long to wait after an error.
fn pause(error: &Error) -> Duration {
    /// After an error that names no time.
    const SHORT: Duration = Duration::from_millis(100);
    match error {
        Error::NoPlace { retry_after: Some(seconds), .. } => Duration::from_secs((*seconds).into()),
        Error::Answered(enclave_core::Error::Busy(seconds)) => Duration::from_secs((*seconds).into()),
        _ => SHORT,
    }
}
