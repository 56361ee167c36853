//! Operations of the parent: one connection each. Everything has a limit, and no answer is trusted.

use crate::transport::{Timed, Transport};
use capelet_abi::OPERATIONS_PORT;
use enclave_core::encoding::{allocate, append_frame, read_frame, write_frame};
use enclave_core::parent::{Answer, MAX_BODY_FRAME, MAX_PARENT_HEAD, Operation};
use enclave_core::{Error, MessageKind, TransportError};
use std::time::Duration;

/// How long the parent may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// How long an operation may take.
const TOTAL: Duration = Duration::from_secs(120);

/// Asks the parent. A body is read only if `admit` accepts its length.
pub(crate) fn ask(
    transport: &Transport,
    operation: Operation<'_>,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let socket = transport.connect(OPERATIONS_PORT).map_err(|_| Error::Transport(TransportError::Unreachable))?;
    exchange(&mut Timed::new(socket, IDLE, TOTAL), operation, admit)
}

fn exchange(
    channel: &mut Timed,
    operation: Operation<'_>,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let (head, body) = operation.encode();
    write_frame(channel, &head)?;
    if let Some(body) = body {
        for chunk in body.chunks(MAX_BODY_FRAME) {
            write_frame(channel, chunk)?;
        }
        write_frame(channel, &[])?;
    }
    match Answer::decode(&read_frame(channel, MAX_PARENT_HEAD)?)? {
        Answer::Follows(length) => {
            admit(length)?;
            read_body(channel, length).map(Answer::Body)
        }
        other => Ok(other),
    }
}

/// Reads frames up to an empty one. Together they must have the announced length.
fn read_body(channel: &mut Timed, length: u64) -> Result<Vec<u8>, Error> {
    let length = usize::try_from(length).map_err(|_| Error::TooLarge(MessageKind::Parent))?;
    let mut body = allocate(length)?;
    loop {
        let left = length.saturating_sub(body.len());
        if append_frame(channel, &mut body, MAX_BODY_FRAME.min(left))? == 0 {
            return if left == 0 { Ok(body) } else { Err(Error::Mismatch(MessageKind::Parent)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Socket;
    use enclave_core::OwnerKey;
    use enclave_core::parent::{MAX_BODY, StoreKey};
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// The core's answer from a parent that announces `length` bytes and sends frames of these lengths; and whether the
    /// parent could send all of them.
    fn answer_to(length: usize, frames: &[usize], most: u64) -> (Result<Answer, Error>, bool) {
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
        let admit = &mut |length| if length > most { Err(Error::BUSY) } else { Ok(()) };
        let answer = exchange(&mut channel, Operation::Get(StoreKey::statement(OwnerKey::new([1; 32]), 3)), admit);
        drop(channel);
        (answer, parent.join().unwrap())
    }

    #[test]
    fn rejects_bodies_that_are_not_as_long_as_announced() {
        assert!(answer_to(70_000, &[65_536, 4464, 0], 70_000).0 == Ok(Answer::Body(vec![7; 70_000])));
        assert!(answer_to(0, &[0], 0).0 == Ok(Answer::Body(Vec::new())));
        assert_eq!(answer_to(10, &[9, 0], 10).0.err(), Some(Error::Mismatch(MessageKind::Parent)));
        assert_eq!(answer_to(10, &[11], 10).0.err(), Some(Error::TooLarge(MessageKind::Frame)));
        assert_eq!(answer_to(10, &[10, 1], 10).0.err(), Some(Error::TooLarge(MessageKind::Frame)));
        assert_eq!(answer_to(MAX_BODY + 1, &[], u64::MAX).0.err(), Some(Error::TooLarge(MessageKind::Parent)));
    }

    #[test]
    fn does_not_read_a_body_that_is_not_admitted() {
        let (answer, sent) = answer_to(MAX_BODY, &[65_536; MAX_BODY / 65_536], 1 << 20);
        assert_eq!(answer.err(), Some(Error::BUSY));
        assert!(!sent, "the whole body was taken in");
    }
}
