//! What a handler sees of its session.

use crate::boot::Boot;
use crate::messages::{SessionSecrets, VerifiedRequest};
use crate::platform::Platform;
use crate::session::pending::PendingVaultKey;

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
    /// A vault key that this session made or attested, until its owner confirms it.
    pub pending: &'a mut Option<PendingVaultKey>,
}
