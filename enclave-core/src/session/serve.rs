//! Serving one connection.

use crate::Error;
use crate::boot::Boot;
use crate::platform::{Connection, Platform};
use crate::session::exchange::{Session, exchange};
use crate::session::handshake::handshake;
use crate::types::Deadline;

/// How long after its document a session may start something, in milliseconds. A run takes at most a minute, so every
/// receipt is signed within the hour that its verifier allows.
const MAX_SESSION: u64 = 55 * 60_000;

/// Serves one connection until it ends. It always ends with an error, which tells the platform how.
///
/// # Errors
/// [`TransportError::Closed`](crate::TransportError::Closed) if the client closed the connection between two requests;
/// otherwise what made the connection unusable.
pub fn serve<P: Platform, C: Connection>(platform: &P, boot: &Boot, connection: &mut C) -> Result<(), Error> {
    let (secrets, attested) = handshake(platform, boot, connection)?;
    let ends = Deadline::new(attested.plus(MAX_SESSION));
    let mut session = Session { secrets, ends, caller: None, admitted: false, pending: None };
    loop {
        exchange(platform, boot, connection, &mut session)?;
    }
}
