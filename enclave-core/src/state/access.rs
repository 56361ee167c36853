//! The shared state as sessions use it: through the platform's lock.

use crate::Error;
use crate::attestation::document_time;
use crate::platform::{DocumentPurpose, Platform};
use crate::state::pool::Account;
use crate::time::UnixMillis;

/// The time by the NSM, never going back.
///
/// # Errors
/// Those of [`Platform::document`] and [`document_time`].
pub fn now<P: Platform>(platform: &P) -> Result<UnixMillis, Error> {
    let elapsed = platform.elapsed();
    if let Some(time) = platform.shared(|shared| shared.clock.time(elapsed)) {
        return Ok(time);
    }
    let time = document_time(&platform.document(DocumentPurpose::Time)?)?;
    // `elapsed` is sampled after the document arrives. A clock that lags is harmless; one that runs ahead produces
    // claims that clients reject.
    let elapsed = platform.elapsed();
    Ok(platform.shared(|shared| shared.clock.set(time, elapsed)))
}

/// Zeroizes the data keys that are too old. The platform calls it regularly, so that keys do not outlive their time
/// when no request arrives.
pub fn forget_old_data_keys<P: Platform>(platform: &P) {
    let elapsed = platform.elapsed();
    platform.shared(|shared| shared.data_keys.forget_old(elapsed));
}

/// Memory that is reserved. It is given back when dropped.
pub struct Reservation<'p, P: Platform> {
    platform: &'p P,
    account: Account,
    bytes: u64,
}

/// Reserves `bytes` of memory for an account.
///
/// # Errors
/// As [`Pool::take`](crate::state::Pool::take).
pub fn reserve<P: Platform>(platform: &P, account: Account, bytes: u64) -> Result<Reservation<'_, P>, Error> {
    platform.shared(|shared| shared.memory.take(account, bytes))?;
    Ok(Reservation { platform, account, bytes })
}

impl<P: Platform> Reservation<'_, P> {
    /// Reserves `more` in addition.
    ///
    /// # Errors
    /// As [`reserve`].
    pub fn grow(&mut self, more: u64) -> Result<(), Error> {
        self.platform.shared(|shared| shared.memory.take(self.account, more))?;
        self.bytes = self.bytes.saturating_add(more);
        Ok(())
    }

    /// Gives back all but `bytes`.
    pub fn shrink(&mut self, bytes: u64) {
        let excess = self.bytes.saturating_sub(bytes);
        self.bytes -= excess;
        self.platform.shared(|shared| shared.memory.give_back(self.account, excess));
    }
}

impl<P: Platform> Drop for Reservation<'_, P> {
    fn drop(&mut self) {
        self.shrink(0);
    }
}
