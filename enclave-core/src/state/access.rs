//! The shared state as sessions use it: through the platform's lock.

use crate::Error;
use crate::attestation::document_time;
use crate::platform::{DocumentPurpose, Platform};
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

/// Memory that is reserved for a session. It is given back when dropped.
pub struct MemoryReservation<'p, P: Platform> {
    platform: &'p P,
    bytes: u64,
}

/// Reserves `bytes`.
///
/// # Errors
/// [`Error::Busy`] if more than [`MAX_RESERVED`](super::MAX_RESERVED) would be reserved.
pub fn reserve<P: Platform>(platform: &P, bytes: u64) -> Result<MemoryReservation<'_, P>, Error> {
    platform.shared(|shared| shared.memory.reserve(bytes))?;
    Ok(MemoryReservation { platform, bytes })
}

impl<P: Platform> MemoryReservation<'_, P> {
    /// Gives back all but `bytes`.
    pub fn shrink(&mut self, bytes: u64) {
        let excess = self.bytes.saturating_sub(bytes);
        self.bytes -= excess;
        self.platform.shared(|shared| shared.memory.release(excess));
    }
}

impl<P: Platform> Drop for MemoryReservation<'_, P> {
    fn drop(&mut self) {
        self.platform.shared(|shared| shared.memory.release(self.bytes));
    }
}
