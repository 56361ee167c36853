//! Time. The wall clock begins with the time that the core gives, for the machine's own is the parent's, and goes
//! on with the kernel's monotonic clock.

use std::time::Instant;

use super::abi::Errno;
use super::guest::Guest;
use super::{Answer, Wasi};

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// The run's clocks.
#[derive(Debug)]
pub struct Clock {
    /// Nanoseconds since 1970 when the run began.
    wall: u64,
    begun: Instant,
}

impl Clock {
    /// A clock that says `now` milliseconds since 1970.
    pub fn new(now: u64) -> Self {
        Self { wall: now.saturating_mul(1_000_000), begun: Instant::now() }
    }

    /// Nanoseconds on a clock: since 1970, or since the run began.
    pub fn nanoseconds(&self, clock: u32) -> Result<u64, Errno> {
        let elapsed = u64::try_from(self.begun.elapsed().as_nanos()).map_err(|_| Errno::Overflow)?;
        match clock {
            REALTIME => self.wall.checked_add(elapsed).ok_or(Errno::Overflow),
            MONOTONIC => Ok(elapsed),
            _ => Err(Errno::Inval),
        }
    }
}

impl Wasi {
    pub(super) fn clock_res_get(&mut self, guest: &mut Guest<'_>, clock: u32, to: u32) -> Answer {
        self.clock.nanoseconds(clock)?;
        Ok(guest.put(to, 1_u64.to_le_bytes())?)
    }

    pub(super) fn clock_time_get(&mut self, guest: &mut Guest<'_>, clock: u32, _precision: u64, to: u32) -> Answer {
        Ok(guest.put(to, self.clock.nanoseconds(clock)?.to_le_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_begins_where_it_is_told() {
        let clock = Clock::new(1_700_000_000_000);
        let wall = clock.nanoseconds(REALTIME).unwrap();
        assert!((1_700_000_000_000_000_000..1_700_000_060_000_000_000).contains(&wall));
        assert!(clock.nanoseconds(MONOTONIC).unwrap() < 60_000_000_000);
        assert_eq!(clock.nanoseconds(2), Err(Errno::Inval));
        assert_eq!(Clock::new(u64::MAX).nanoseconds(REALTIME), Err(Errno::Overflow));
    }
}
