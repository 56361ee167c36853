//! The limit on how many connections a service serves at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

struct Count {
    admitted: usize,
    /// Whether a connection was refused since one was last admitted. The log mentions only the first.
    refused: bool,
}

/// Counts the admitted connections and refuses those above the limit.
pub(crate) struct ConnectionLimit {
    most: usize,
    count: Mutex<Count>,
    changed: Condvar,
}

/// Holding one proves that a connection is counted. Dropping it makes room for another connection.
pub(crate) struct ConnectionPermit(Arc<ConnectionLimit>);

/// The service already serves as many connections as it may.
pub(crate) struct LimitReached {
    /// Whether this is the first refusal since a connection was last admitted.
    pub first: bool,
}

impl ConnectionLimit {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, count: Mutex::new(Count { admitted: 0, refused: false }), changed: Condvar::new() })
    }

    pub fn admit(self: &Arc<Self>) -> Result<ConnectionPermit, LimitReached> {
        let mut count = self.lock();
        if count.admitted >= self.most {
            return Err(LimitReached { first: !std::mem::replace(&mut count.refused, true) });
        }
        count.admitted += 1;
        count.refused = false;
        Ok(ConnectionPermit(Arc::clone(self)))
    }

    /// Waits until no connection is admitted. Returns `false` if some still are at `until`.
    pub fn wait_until_idle(&self, until: Instant) -> bool {
        let mut count = self.lock();
        while count.admitted > 0 {
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

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.lock().admitted -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn refuses_connections_above_the_limit_until_one_ends() {
        let limit = ConnectionLimit::new(2);
        let (one, two) = (limit.admit().ok().unwrap(), limit.admit().ok().unwrap());
        assert!(limit.admit().is_err_and(|reached| reached.first));
        assert!(limit.admit().is_err_and(|reached| !reached.first));
        drop(one);
        let three = limit.admit().ok().unwrap();
        assert!(limit.admit().is_err_and(|reached| reached.first));
        assert!(!limit.wait_until_idle(Instant::now() + Duration::from_millis(5)));
        drop((two, three));
        assert!(limit.wait_until_idle(Instant::now()));
    }
}
