//! Clients: their bytes to the enclave, the enclave's to them.

use crate::accept::Served;
use crate::connect;
use crate::parent::Context;
use crate::relay::{Bounds, relay};
use crate::stream::{Stream, Until};
use std::time::Instant;

pub(crate) fn serve(context: &Context, client: &Stream) -> Served {
    let limits = &context.settings.limits;
    let until = Until { deadline: Instant::now() + limits.connect, bell: &context.halting };
    let enclave = match connect::enclave(&context.settings.enclave, until) {
        Ok(enclave) => enclave,
        Err(error) => return Served { fields: vec![], up: 0, down: 0, end: Err(error) },
    };
    let bounds = Bounds {
        idle: limits.client_idle,
        half_closed: limits.client_half_closed,
        deadline: Instant::now() + limits.client_total,
        bytes: u64::MAX,
    };
    let carried = relay(client, &enclave, &bounds, &context.halting);
    Served { fields: vec![], up: carried.forth, down: carried.back, end: carried.end }
}
