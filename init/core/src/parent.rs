//! Operations of the parent: one connection each, everything bounded, the answer believed in nothing.

use crate::transport::{OPERATIONS, Timed, Transport};
use enclave_core::error::{Down, Error, Part};
use enclave_core::frame;
use enclave_core::parent::{Answer, MAX_BODY, MAX_BODY_FRAME, MAX_HEAD, Operation};
use std::time::Duration;

/// How long the parent may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// How long an operation may take.
const TOTAL: Duration = Duration::from_secs(120);

/// Asks the parent.
pub fn ask(transport: &Transport, operation: Operation<'_>) -> Result<Answer, Error> {
    let socket = transport.connect(OPERATIONS).map_err(|_| Error::Down(Down::Unreachable))?;
    let mut channel = Timed::new(socket, IDLE, TOTAL);
    let (head, body) = operation.encode();
    frame::write(&mut channel, &head)?;
    if let Some(body) = body {
        for chunk in body.chunks(MAX_BODY_FRAME) {
            frame::write(&mut channel, chunk)?;
        }
        frame::write(&mut channel, &[])?;
    }
    match Answer::decode(&frame::read(&mut channel, MAX_HEAD)?)? {
        Answer::Body(_) => read_body(&mut channel).map(Answer::Body),
        other => Ok(other),
    }
}

/// Frames until an empty one.
fn read_body(channel: &mut Timed) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        let chunk = frame::read(channel, MAX_BODY_FRAME)?;
        if chunk.is_empty() {
            return Ok(body);
        }
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Error::TooLarge(Part::Parent));
        }
        body.extend_from_slice(&chunk);
    }
}
