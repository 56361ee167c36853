//! The service for clients: it relays bytes between a client and the enclave.

use crate::enclave_places::EnclavePlace;
use crate::relay::{Bounds, SessionBounds, relay};
use crate::services::service::{Context, Served};
use crate::stream::{Stream, Until};
use crate::{Error, busy, connect};
use std::time::Instant;

/// How many seconds a client is told to wait if the enclave does not serve. It may be booting, which takes seconds.
const NOT_SERVING: u16 = 10;

/// Connects to the enclave and relays until both sides have ended or a limit is reached. A client that gets no session
/// there receives the line of [`busy`].
pub(crate) fn serve(context: &Context, client: &Stream) -> Served {
    let (served, seconds) = match open(context) {
        Ok((place, enclave)) => carry(context, client, &place, &enclave),
        Err((error, seconds)) => (Served::new(Err(error)), Some(seconds)),
    };
    if let Some(seconds) = seconds {
        let deadline = Instant::now() + context.settings.limits.connect;
        busy::answer(client, seconds, Until { deadline, shutdown: &context.shutdown });
    }
    served
}

/// Waits for a place, then connects. If there is none, the second part of the error is what the client is told to wait,
/// in seconds.
fn open(context: &Context) -> Result<(EnclavePlace, Stream), (Error, u16)> {
    let limits = &context.settings.limits;
    let now = Instant::now();
    let until = Until { deadline: now + limits.connect, shutdown: &context.shutdown };
    let waiting = Until { deadline: until.deadline.min(now + limits.wait), ..until };
    let place = context.places.take(waiting).map_err(|error| (error, limits.busy_seconds()))?;
    let enclave = connect::enclave(&context.settings.enclave, until).map_err(|error| (error, NOT_SERVING))?;
    Ok((place, enclave))
}

/// Relays. The second part of the result is what the client is told to wait if the enclave has sent it nothing.
fn carry(context: &Context, client: &Stream, place: &EnclavePlace, enclave: &Stream) -> (Served, Option<u16>) {
    let limits = &context.settings.limits;
    let bounds = Bounds {
        idle: limits.client_idle,
        half_closed: limits.client_half_closed,
        deadline: Instant::now() + limits.client_total,
        bytes: u64::MAX,
        session: Some(SessionBounds { first_answer: limits.connect, place }),
    };
    let carried = relay(client, enclave, &bounds, &context.shutdown);
    let seconds = match carried.end {
        Err(Error::NotServed) => Some(limits.busy_seconds()),
        Err(Error::NoAnswer) => Some(NOT_SERVING),
        _ => None,
    };
    (Served { fields: Vec::new(), up: carried.forth, down: carried.back, end: carried.end }, seconds)
}
