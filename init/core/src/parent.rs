//! Operations of the parent: one connection each, everything bounded, the answer believed in nothing.

use crate::transport::{OPERATIONS, Timed, Transport};
use enclave_core::error::{Down, Error, Part};
use enclave_core::frame;
use enclave_core::parent::{Answer, MAX_BODY_FRAME, MAX_HEAD, Operation};
use std::time::Duration;

/// How long the parent may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// How long an operation may take.
const TOTAL: Duration = Duration::from_secs(120);

/// Asks the parent. A body is read only if `admit` takes its length.
pub fn ask(
    transport: &Transport,
    operation: Operation<'_>,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let socket = transport.connect(OPERATIONS).map_err(|_| Error::Down(Down::Unreachable))?;
    exchange(&mut Timed::new(socket, IDLE, TOTAL), operation, admit)
}

fn exchange(
    channel: &mut Timed,
    operation: Operation<'_>,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let (head, body) = operation.encode();
    frame::write(channel, &head)?;
    if let Some(body) = body {
        for chunk in body.chunks(MAX_BODY_FRAME) {
            frame::write(channel, chunk)?;
        }
        frame::write(channel, &[])?;
    }
    match Answer::decode(&frame::read(channel, MAX_HEAD)?)? {
        Answer::Follows(length) => {
            admit(length)?;
            read_body(channel, length).map(Answer::Body)
        }
        other => Ok(other),
    }
}

/// Frames until an empty one: as many bytes as were announced.
fn read_body(channel: &mut Timed, length: u64) -> Result<Vec<u8>, Error> {
    let length = usize::try_from(length).map_err(|_| Error::TooLarge(Part::Parent))?;
    let mut body = Vec::with_capacity(length);
    loop {
        let left = length.saturating_sub(body.len());
        if frame::append(channel, &mut body, MAX_BODY_FRAME.min(left))? == 0 {
            return if left == 0 { Ok(body) } else { Err(Error::Disagrees(Part::Parent)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Socket;
    use enclave_core::parent::{Key, Kind, MAX_BODY};
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::thread;

    const GET: Operation<'_> = Operation::Get(Key { kind: Kind::Function, owner: [1; 32], id: [2; 16], version: 3 });

    /// What the core makes of a parent that announces `length` bytes and sends frames of these lengths; and whether
    /// the parent still found somebody to send to.
    fn told(length: usize, frames: &[usize], most: u64) -> (Result<Answer, Error>, bool) {
        let (ours, mut socket) = UnixStream::pair().unwrap();
        let head = Answer::Follows(length as u64).encode().0;
        let frames = frames.to_vec();
        let parent = thread::spawn(move || {
            assert!(socket.read(&mut [0; 1024]).unwrap() > 4);
            let mut send = |bytes: &[u8]| {
                let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
                socket.write_all(&[length.as_slice(), bytes].concat()).is_ok()
            };
            send(&head) && frames.iter().all(|length| send(&vec![7; *length]))
        });
        let mut channel = Timed::new(Socket::Unix(ours), IDLE, TOTAL);
        let admit = &mut |length| if length > most { Err(Error::Busy) } else { Ok(()) };
        let answer = exchange(&mut channel, GET, admit);
        drop(channel);
        (answer, parent.join().unwrap())
    }

    #[test]
    fn a_body_is_as_long_as_announced() {
        assert!(told(70_000, &[65_536, 4464, 0], 70_000).0 == Ok(Answer::Body(vec![7; 70_000])));
        assert!(told(0, &[0], 0).0 == Ok(Answer::Body(Vec::new())));
        assert_eq!(told(10, &[9, 0], 10).0.err(), Some(Error::Disagrees(Part::Parent)));
        assert_eq!(told(10, &[11], 10).0.err(), Some(Error::TooLarge(Part::Frame)));
        assert_eq!(told(10, &[10, 1], 10).0.err(), Some(Error::TooLarge(Part::Frame)));
        assert_eq!(told(MAX_BODY + 1, &[], u64::MAX).0.err(), Some(Error::TooLarge(Part::Parent)));
    }

    #[test]
    fn what_there_is_no_memory_for_is_not_read() {
        let (answer, sent) = told(MAX_BODY, &[65_536; MAX_BODY / 65_536], 1 << 20);
        assert_eq!(answer.err(), Some(Error::Busy));
        assert!(!sent, "the whole body was taken in");
    }
}
