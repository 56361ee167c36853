//! The service for clients: it relays bytes between a client and the enclave.

use crate::connect;
use crate::relay::{Bounds, relay};
use crate::services::service::{Context, Served};
use crate::stream::{Stream, Until};
use std::time::Instant;

/// Connects to the enclave and relays until both sides have ended or a limit is reached.
pub(crate) fn serve(context: &Context, client: &Stream) -> Served {
    let limits = &context.settings.limits;
    let until = Until { deadline: Instant::now() + limits.connect, shutdown: &context.shutdown };
    let enclave = match connect::enclave(&context.settings.enclave, until) {
        Ok(enclave) => enclave,
        Err(error) => return Served::new(Err(error)),
    };
    let bounds = Bounds {
        idle: limits.client_idle,
        half_closed: limits.client_half_closed,
        deadline: Instant::now() + limits.client_total,
        bytes: u64::MAX,
    };
    let carried = relay(client, &enclave, &bounds, &context.shutdown);
    Served { fields: Vec::new(), up: carried.forth, down: carried.back, end: carried.end }
}
