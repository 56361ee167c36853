//! The heartbeat: an enclave that has booted sends one byte, and takes the same byte for leave to go on.

use crate::Error;
use crate::accept::Served;
use crate::parent::Context;
use crate::stream::{Stream, Until};
use std::time::Instant;

/// The byte that `nitro-cli` and AWS' init exchange.
const BEAT: u8 = 0xB7;

pub(crate) fn serve(context: &Context, enclave: &Stream) -> Served {
    let until = Until { deadline: Instant::now() + context.settings.limits.connect, bell: &context.halting };
    Served { fields: vec![], up: 0, down: 0, end: answer(enclave, until) }
}

fn answer(enclave: &Stream, until: Until<'_>) -> Result<(), Error> {
    let mut beat = [0];
    if !enclave.fill(&mut beat, until)? {
        return Err(Error::Closed);
    }
    if beat != [BEAT] {
        return Err(Error::Malformed);
    }
    enclave.write_all(&beat, until)?;
    enclave.wait_for_end(until);
    Ok(())
}
