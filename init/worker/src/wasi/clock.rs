//! A run's clocks. The wall clock starts at the time that the core states, because the parent controls the machine's
//! wall clock. It advances with the kernel's monotonic clock.

use std::time::Instant;

use super::numbers::Errno;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// The run's clocks.
#[derive(Debug)]
pub struct Clock {
    /// The wall clock's time at the start of the run, in nanoseconds since 1970.
    wall: u64,
    /// The start of the run.
    begun: Instant,
}

impl Clock {
    /// Starts the clocks. The wall clock starts at `now` milliseconds since 1970.
    pub fn new(now: u64) -> Self {
        Self { wall: now.saturating_mul(1_000_000), begun: Instant::now() }
    }

    /// Reads a clock, in nanoseconds: since 1970 for the wall clock, since the start of the run for the monotonic one.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`] for another clock, [`Errno::Overflow`] if the time does not fit.
    pub fn nanoseconds(&self, clock: u32) -> Result<u64, Errno> {
        let elapsed = u64::try_from(self.begun.elapsed().as_nanos()).map_err(|_| Errno::Overflow)?;
        match clock {
            REALTIME => self.wall.checked_add(elapsed).ok_or(Errno::Overflow),
            MONOTONIC => Ok(elapsed),
            _ => Err(Errno::Inval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_starts_at_the_given_time() {
        let clock = Clock::new(1_700_000_000_000);
        let wall = clock.nanoseconds(REALTIME).unwrap();
        assert!((1_700_000_000_000_000_000..1_700_000_060_000_000_000).contains(&wall));
        assert!(clock.nanoseconds(MONOTONIC).unwrap() < 60_000_000_000);
        assert_eq!(clock.nanoseconds(2), Err(Errno::Inval));
        assert_eq!(Clock::new(u64::MAX).nanoseconds(REALTIME), Err(Errno::Overflow));
    }
}
