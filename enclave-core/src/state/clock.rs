//! The enclave's clock: the time of the last document, and how long ago that was.

use crate::time::UnixMillis;

/// How old the clock may be before a new document is asked for, in milliseconds.
pub const CLOCK_AGE: u64 = 60_000;

/// A clock that never goes back.
#[derive(Default)]
pub(crate) struct Clock(Option<Setting>);

/// A document's time, the platform's elapsed time at that moment, and the last time that anyone was told.
#[derive(Clone, Copy)]
struct Setting {
    time: UnixMillis,
    elapsed: u64,
    told: UnixMillis,
}

impl Clock {
    /// The time, if the clock is fresh. A thread that read `elapsed` before another thread set the clock is told the
    /// last time that anyone was told.
    pub fn time(&mut self, elapsed: u64) -> Option<UnixMillis> {
        let setting = self.0.as_mut()?;
        let since = elapsed.saturating_sub(setting.elapsed);
        if since >= CLOCK_AGE {
            return None;
        }
        setting.told = setting.told.max(setting.time.plus(since));
        Some(setting.told)
    }

    /// Sets the clock to a document's time, and gives the time. It stands still until documents have caught up with
    /// what was told. A document that is older than the one before changes nothing.
    pub fn set(&mut self, time: UnixMillis, elapsed: u64) -> UnixMillis {
        let setting = self.0.get_or_insert(Setting { time, elapsed, told: time });
        if elapsed >= setting.elapsed {
            *setting = Setting { time, elapsed, told: setting.told.max(time) };
        }
        setting.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::new(millis)
    }

    #[test]
    fn advances_is_refreshed_and_never_goes_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.time(5), None);
        assert_eq!(clock.set(at(1_000_000), 5), at(1_000_000));
        assert_eq!(clock.time(6), Some(at(1_000_001)));
        assert_eq!(clock.time(5 + CLOCK_AGE), None);
        assert_eq!(clock.set(at(900_000), 5 + CLOCK_AGE), at(1_000_001));
        assert_eq!(clock.time(4), Some(at(1_000_001)));
        assert_eq!(clock.time(6 + CLOCK_AGE), Some(at(1_000_001)));
    }

    /// Another thread may set its newer document first, and the machine's seconds may be shorter than the NSM's.
    /// Neither error accumulates.
    #[test]
    fn does_not_run_ahead_of_the_documents() {
        let mut clock = Clock::default();
        assert_eq!(clock.set(at(1_000_500), 500), at(1_000_500));
        assert_eq!(clock.set(at(1_000_100), 100), at(1_000_500));
        assert_eq!(clock.time(600), Some(at(1_000_600)));
        let (mut elapsed, mut documents) = (500, 1_000_500);
        for _ in 0..1000 {
            elapsed += CLOCK_AGE;
            documents += CLOCK_AGE - 10;
            clock.time(elapsed - 1);
            let told = clock.set(at(documents), elapsed);
            assert!(told < at(documents + 100), "{told:?} is ahead of {documents}");
        }
    }
}
