//! What a handler sees of its session.

use crate::Error;
use crate::boot::Boot;
use crate::messages::{SessionSecrets, VerifiedRequest};
use crate::platform::Platform;
use crate::session::pending::PendingVaultKey;
use crate::state::{Account, Reservation, now, reserve};
use crate::time::UnixMillis;
use crate::types::Deadline;

/// The surroundings of one request.
pub(super) struct Context<'a, 'p, P: Platform> {
    /// The platform.
    pub platform: &'p P,
    /// What was settled at boot.
    pub boot: &'a Boot,
    /// The secrets of the session.
    pub secrets: &'a SessionSecrets,
    /// The request. Its caller is the session's.
    pub request: &'a VerifiedRequest,
    /// Whose share of memory and places the request uses.
    pub account: Account,
    /// The request's deadline, or the session's if that is sooner.
    pub deadline: Deadline,
    /// A vault key that this session made or attested, until its owner confirms it.
    pub pending: &'a mut Option<PendingVaultKey>,
}

impl<'p, P: Platform> Context<'_, 'p, P> {
    /// Reserves memory, in bytes.
    ///
    /// # Errors
    /// As [`reserve`].
    pub fn reserve(&self, bytes: u64) -> Result<Reservation<'p, P>, Error> {
        reserve(self.platform, self.account, bytes)
    }

    /// The time, if the deadline has not passed. Every handler asks again immediately before it has an effect: client,
    /// parent and KMS may all have kept it waiting.
    ///
    /// # Errors
    /// [`Error::RequestExpired`]; those of [`now`].
    pub fn in_time(&self) -> Result<UnixMillis, Error> {
        let now = now(self.platform)?;
        self.deadline.check(now)?;
        Ok(now)
    }
}
