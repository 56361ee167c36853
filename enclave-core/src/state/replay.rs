//! The replay window: each request id is accepted once from a caller, until the request's deadline.

use crate::Error;
use crate::time::UnixMillis;
use crate::types::{Deadline, OwnerKey, RequestId};
use alloc::collections::BTreeMap;

/// The most request ids that are remembered.
pub const MAX_IDS: usize = 65_536;

/// The ids of accepted requests.
#[derive(Default)]
pub(crate) struct ReplayWindow(BTreeMap<(OwnerKey, RequestId), Deadline>);

impl ReplayWindow {
    /// Accepts a request and remembers its id until its deadline.
    ///
    /// # Errors
    /// [`Error::RequestExpired`] as [`Deadline::accept`]; [`Error::Refused`] for an id that was accepted before;
    /// [`Error::Busy`] if too many ids are remembered.
    pub fn accept(
        &mut self,
        caller: &OwnerKey,
        id: &RequestId,
        not_after: Deadline,
        now: UnixMillis,
    ) -> Result<(), Error> {
        not_after.accept(now)?;
        if self.0.len() >= MAX_IDS {
            self.0.retain(|_, deadline| deadline.check(now).is_ok());
        }
        if self.0.contains_key(&(*caller, *id)) {
            return Err(Error::Refused);
        }
        if self.0.len() >= MAX_IDS {
            return Err(Error::Busy);
        }
        self.0.insert((*caller, *id), not_after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(window: &mut ReplayWindow, caller: u8, id: u128, not_after: u64, now: u64) -> Result<(), Error> {
        let (caller, id) = (OwnerKey::new([caller; 32]), RequestId::new(id.to_be_bytes()));
        window.accept(&caller, &id, Deadline::new(UnixMillis::new(not_after)), UnixMillis::new(now))
    }

    #[test]
    fn rejects_replayed_and_expired_requests() {
        let mut window = ReplayWindow::default();
        assert_eq!(accept(&mut window, 1, 2, 99, 100), Err(Error::RequestExpired));
        assert_eq!(accept(&mut window, 1, 2, 101 + Deadline::MAX_AHEAD, 100), Err(Error::RequestExpired));
        assert_eq!(accept(&mut window, 1, 2, 100, 100), Ok(()));
        assert_eq!(accept(&mut window, 1, 2, 200, 100), Err(Error::Refused));
        assert_eq!(accept(&mut window, 3, 2, 200, 100), Ok(()));
    }

    #[test]
    fn a_full_window_is_busy_until_ids_expire() {
        let mut window = ReplayWindow::default();
        for id in 0..MAX_IDS as u128 {
            assert_eq!(accept(&mut window, 1, id, 500, 100), Ok(()));
        }
        assert_eq!(accept(&mut window, 2, 9, 600, 500), Err(Error::Busy));
        assert_eq!(accept(&mut window, 2, 9, 600, 501), Ok(()));
    }
}
