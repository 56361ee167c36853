//! What was measured with one number of clients.

use crate::memory::Peaks;
use std::collections::BTreeMap;
use std::time::Duration;

/// One attempt of a client: connect, run, close.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How long it took.
    pub took: Duration,
    /// `None` for a run that was done; otherwise the code of the error.
    pub failed: Option<String>,
}

/// The result for one number of clients.
#[derive(Debug)]
pub struct Level {
    /// The number of clients.
    pub clients: usize,
    /// Runs that were done, in each second.
    pub rate: f64,
    /// The time in which half of the runs were done. `None` if none was.
    pub p50: Option<Duration>,
    /// The time in which 99 of 100 runs were done. `None` if none was.
    pub p99: Option<Duration>,
    /// How many attempts ended with each code; `done` for runs that were done.
    pub ends: BTreeMap<String, usize>,
    /// The most memory of each process.
    pub peaks: Peaks,
}

impl Level {
    /// Sums up the attempts of all clients, which took `time` altogether.
    pub fn new(clients: usize, attempts: &[Attempt], time: Duration, peaks: Peaks) -> Self {
        let mut done: Vec<_> =
            attempts.iter().filter(|attempt| attempt.failed.is_none()).map(|attempt| attempt.took).collect();
        done.sort();
        let mut ends = BTreeMap::new();
        for attempt in attempts {
            *ends.entry(attempt.failed.clone().unwrap_or_else(|| "done".into())).or_default() += 1;
        }
        Self {
            clients,
            rate: done.len() as f64 / time.as_secs_f64(),
            p50: percentile(&done, 50),
            p99: percentile(&done, 99),
            ends,
            peaks,
        }
    }
}

/// The nearest rank: the smallest value that at least `percent` of the sorted values do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_percentile_is_the_value_of_the_nearest_rank() {
        let hundred: Vec<_> = (1..=100).map(ms).collect();
        let of = |count: usize, percent| percentile(&hundred[..count], percent);
        assert_eq!([of(100, 50), of(100, 99)], [Some(ms(50)), Some(ms(99))]);
        assert_eq!([of(3, 50), of(3, 99)], [Some(ms(2)), Some(ms(3))]);
        assert_eq!([of(1, 50), of(1, 99)], [Some(ms(1)); 2]);
        assert_eq!(of(0, 50), None);
    }

    #[test]
    fn only_runs_that_were_done_count_in_rate_and_times() {
        let attempt = |took, failed: Option<&str>| Attempt { took: ms(took), failed: failed.map(str::to_owned) };
        let attempts = [
            attempt(30, None),
            attempt(1, Some("busy")),
            attempt(10, None),
            attempt(9_000, Some("closed")),
            attempt(20, None),
            attempt(1, Some("busy")),
        ];
        let level = Level::new(2, &attempts, Duration::from_secs(2), Peaks::default());
        assert_eq!((level.rate, level.p50, level.p99), (1.5, Some(ms(20)), Some(ms(30))));
        let ends: Vec<_> = level.ends.iter().map(|(code, count)| (code.as_str(), *count)).collect();
        assert_eq!(ends, [("busy", 2), ("closed", 1), ("done", 3)]);
    }
}
