//! The service for the heartbeat: an enclave that has booted sends one byte, and continues when it receives it back.

use crate::Error;
use crate::services::service::{Context, Served};
use crate::stream::{Stream, Until};
use capelet_abi::HEARTBEAT;
use std::time::Instant;

/// Answers one heartbeat.
pub(crate) fn serve(context: &Context, enclave: &Stream) -> Served {
    let until = Until { deadline: Instant::now() + context.settings.limits.connect, shutdown: &context.shutdown };
    Served::new(answer(enclave, until))
}

fn answer(enclave: &Stream, until: Until<'_>) -> Result<(), Error> {
    let mut beat = [0];
    if !enclave.fill(&mut beat, until)? {
        return Err(Error::Closed);
    }
    if beat != [HEARTBEAT] {
        return Err(Error::Malformed);
    }
    enclave.write_all(&beat, until)?;
    enclave.wait_for_end(until);
    Ok(())
}
