//! Serving one connection.

use crate::Error;
use crate::boot::Boot;
use crate::platform::{Connection, Platform};
use crate::session::exchange::{Session, exchange};
use crate::session::handshake::handshake;

/// Serves one connection until it ends. It always ends with an error, which tells the platform how.
///
/// # Errors
/// [`TransportError::Closed`](crate::TransportError::Closed) if the client closed the connection between two requests;
/// otherwise what made the connection unusable.
pub fn serve<P: Platform, C: Connection>(platform: &P, boot: &Boot, connection: &mut C) -> Result<(), Error> {
    let secrets = handshake(platform, boot, connection)?;
    let mut session = Session { secrets, caller: None, pending: None };
    loop {
        exchange(platform, boot, connection, &mut session)?;
    }
}
