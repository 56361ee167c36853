//! The replay window: each request id is accepted once from a caller, until the request's deadline.

use crate::Error;
use crate::state::pool::{Account, Pool};
use crate::time::UnixMillis;
use crate::types::{Deadline, OwnerKey, RequestId};
use alloc::collections::{BTreeMap, BTreeSet};

/// The most request ids that are remembered.
pub const MAX_IDS: usize = 65_536;

/// The ids of accepted requests.
pub(crate) struct ReplayWindow {
    ids: BTreeMap<(OwnerKey, RequestId), Account>,
    /// The same ids, the first to be forgotten first.
    deadlines: BTreeSet<(Deadline, OwnerKey, RequestId)>,
    places: Pool,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self { ids: BTreeMap::new(), deadlines: BTreeSet::new(), places: Pool::new(MAX_IDS as u64) }
    }
}

impl ReplayWindow {
    /// Accepts a request and remembers its id until its deadline.
    ///
    /// # Errors
    /// [`Error::RequestExpired`] as [`Deadline::accept`]; [`Error::Refused`] for an id that was accepted before;
    /// [`Error::Busy`] if too many ids are remembered, of all callers or of this account.
    pub fn accept(
        &mut self,
        account: Account,
        caller: &OwnerKey,
        id: &RequestId,
        not_after: Deadline,
        now: UnixMillis,
    ) -> Result<(), Error> {
        not_after.accept(now)?;
        while let Some(expired) = self.deadlines.first().copied().filter(|(deadline, ..)| deadline.check(now).is_err())
        {
            let (_, caller, id) = expired;
            self.deadlines.remove(&expired);
            if let Some(account) = self.ids.remove(&(caller, id)) {
                self.places.give_back(account, 1);
            }
        }
        if self.ids.contains_key(&(*caller, *id)) {
            return Err(Error::Refused);
        }
        let room = self.deadlines.first().map_or(now, |(deadline, ..)| deadline.time());
        self.places.take(account, 1).map_err(|_| Error::busy_until(room, now))?;
        self.ids.insert((*caller, *id), account);
        self.deadlines.insert((not_after, *caller, *id));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(window: &mut ReplayWindow, caller: u8, id: u128, not_after: u64, now: u64) -> Result<(), Error> {
        let (caller, id) = (OwnerKey::new([caller; 32]), RequestId::new(id.to_be_bytes()));
        window.accept(Account::ANYONE, &caller, &id, Deadline::new(UnixMillis::new(not_after)), UnixMillis::new(now))
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
        assert_eq!(accept(&mut window, 2, 9, 600, 500), Err(Error::Busy(1)));
        assert_eq!(accept(&mut window, 2, 9, 600, 501), Ok(()));
    }

    #[test]
    fn one_deployers_ids_leave_room_for_anothers() {
        let mut window = ReplayWindow::default();
        let deadline = Deadline::new(UnixMillis::new(500));
        let mut send = |caller: u8, id: u128| {
            let owner = OwnerKey::new([caller; 32]);
            let account = Account::new(Some(owner), 2);
            window.accept(account, &owner, &RequestId::new(id.to_be_bytes()), deadline, UnixMillis::new(100))
        };
        // 110 requests a second, for ten minutes.
        let accepted = (0..66_000).filter(|id| send(1, *id).is_ok()).count();
        assert!(accepted < MAX_IDS);
        assert!((0..10_000).all(|id| send(2, id).is_ok()));
    }
}
