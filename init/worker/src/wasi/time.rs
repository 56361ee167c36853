//! Calls that read a clock.

use super::guest::Guest;
use super::{CallResult, Wasi};

impl Wasi {
    pub(super) fn clock_res_get(&mut self, guest: &mut Guest<'_>, clock: u32, to: u32) -> CallResult {
        self.clock.nanoseconds(clock)?;
        Ok(guest.put(to, 1_u64.to_le_bytes())?)
    }

    pub(super) fn clock_time_get(&mut self, guest: &mut Guest<'_>, clock: u32, _precision: u64, to: u32) -> CallResult {
        Ok(guest.put(to, self.clock.nanoseconds(clock)?.to_le_bytes())?)
    }
}
