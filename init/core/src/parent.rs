//! Operations of the parent: one connection each, everything bounded, the answer believed in nothing.

use crate::transport::{OPERATIONS, Timed, Transport};
use enclave_core::error::{Down, Error, Part};
use enclave_core::frame;
use enclave_core::parent::{Answer, MAX_BODY, MAX_BODY_FRAME, MAX_HEAD, Operation};
use enclave_core::platform::Channel as _;
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
    let mut buffer = vec![0; MAX_BODY_FRAME];
    loop {
        let mut length = [0; 4];
        frame::read_exact(channel, &mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Error::TooLarge(Part::Parent))?;
        if length == 0 {
            return Ok(body);
        }
        let chunk = buffer.get_mut(..length).ok_or(Error::TooLarge(Part::Parent))?;
        let mut at = 0;
        while at < length {
            match channel.read(chunk.get_mut(at..).unwrap_or_default())? {
                0 => return Err(Error::Down(Down::Closed)),
                n => at += n,
            }
        }
        if body.len() + length > MAX_BODY {
            return Err(Error::TooLarge(Part::Parent));
        }
        body.extend_from_slice(chunk);
    }
}
