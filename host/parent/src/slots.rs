//! How many connections a service has at most, and how many it has now.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

struct Count {
    taken: usize,
    /// Whether somebody was turned away since a place was last free: the log tells of it once.
    full: bool,
}

/// A bounded number of places.
pub(crate) struct Slots {
    most: usize,
    count: Mutex<Count>,
    changed: Condvar,
}

/// A place, given back when dropped.
pub(crate) struct Slot(Arc<Slots>);

/// Nothing is free.
pub(crate) struct Full {
    /// Whether this is the first to be turned away since a place was last free.
    pub first: bool,
}

impl Slots {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, count: Mutex::new(Count { taken: 0, full: false }), changed: Condvar::new() })
    }

    pub fn take(self: &Arc<Self>) -> Result<Slot, Full> {
        let mut count = self.lock();
        if count.taken >= self.most {
            return Err(Full { first: !std::mem::replace(&mut count.full, true) });
        }
        count.taken += 1;
        count.full = false;
        Ok(Slot(Arc::clone(self)))
    }

    /// Waits until no place is taken; whether that was so before `until`.
    pub fn wait_until_empty(&self, until: Instant) -> bool {
        let mut count = self.lock();
        while count.taken > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (count, _) = self.changed.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.lock().taken -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn no_more_than_there_are() {
        let slots = Slots::new(2);
        let (one, two) = (slots.take().ok().unwrap(), slots.take().ok().unwrap());
        assert!(slots.take().is_err_and(|full| full.first));
        assert!(slots.take().is_err_and(|full| !full.first));
        drop(one);
        let three = slots.take().ok().unwrap();
        assert!(slots.take().is_err_and(|full| full.first));
        assert!(!slots.wait_until_empty(Instant::now() + Duration::from_millis(5)));
        drop((two, three));
        assert!(slots.wait_until_empty(Instant::now()));
    }
}
