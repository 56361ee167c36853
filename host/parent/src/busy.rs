//! The line for a client for which there is no place: `capelet/1 busy SECONDS\n`, before any byte of TLS.
//!
//! No TLS record begins with the letter `c`, so a client can tell the two apart. Nobody vouches for the line: anyone on
//! the network path can send it, as anyone can close the connection.

use crate::Error;
use crate::stream::{Stream, Until};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// The most refused connections that wait for their clients to close. Further ones are closed at once.
pub(crate) const LINGERING: usize = 128;
/// How long a refused client has to read its line. If the parent closed while bytes of the client are unread, TCP would
/// reset the connection, and the client could lose the line.
const LINGER: Duration = Duration::from_secs(1);
/// How often the bytes of refused clients are read and discarded.
const INTERVAL: Duration = Duration::from_millis(20);
/// The most bytes of a refused client that are read.
const MAX_DISCARDED: usize = 65_536;
/// The stack of the thread, in bytes.
const STACK: usize = 64 * 1024;

/// The line. `seconds` is what the parent expects a client to wait, and is kept between 1 and 3600.
pub(crate) fn line(seconds: u16) -> String {
    format!("capelet/1 busy {}\n", seconds.clamp(1, 3600))
}

/// Tells the client that there is no place, then waits a moment until it closes.
pub(crate) fn answer(client: &Stream, seconds: u16, until: Until<'_>) {
    // A client that is gone needs no line.
    if matches!(client.write(line(seconds).as_bytes()), Ok(Some(_))) {
        client.end_writing();
        client.wait_for_end(Until { deadline: until.deadline.min(Instant::now() + LINGER), ..until });
    }
}

/// Refuses connections for which no thread is free. One thread serves all of them.
pub(crate) struct Refuser(SyncSender<Stream>);

impl Refuser {
    /// Starts the thread. It ends when this value is dropped.
    ///
    /// # Errors
    /// [`Error::System`] if the thread cannot be made.
    pub fn start() -> Result<Self, Error> {
        let (sender, receiver) = sync_channel(LINGERING);
        Builder::new().stack_size(STACK).spawn(move || linger(&receiver)).map_err(Error::System)?;
        Ok(Self(sender))
    }

    /// Sends the line and closes the connection. Never blocks: the socket's buffer is empty, so it takes the line.
    pub fn refuse(&self, client: Stream, seconds: u16) {
        if matches!(client.write(line(seconds).as_bytes()), Ok(Some(_))) {
            client.end_writing();
            // If too many wait, this one is closed at once.
            let _ = self.0.try_send(client);
        }
    }
}

/// A refused connection: its deadline, and how many bytes may still be discarded.
struct Refused {
    client: Stream,
    deadline: Instant,
    left: usize,
}

fn linger(new: &Receiver<Stream>) {
    let mut open: Vec<Refused> = Vec::new();
    loop {
        let next = if open.is_empty() {
            new.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            new.recv_timeout(INTERVAL)
        };
        match next {
            Ok(client) if open.len() < LINGERING => {
                open.push(Refused { client, deadline: Instant::now() + LINGER, left: MAX_DISCARDED });
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        open.retain_mut(stays_open);
    }
}

/// Discards what has arrived. Returns whether the client may still be reading its line.
fn stays_open(refused: &mut Refused) -> bool {
    let mut scrap = [0; 4096];
    while refused.left > 0 && Instant::now() < refused.deadline {
        match refused.client.read(&mut scrap) {
            Ok(None) => return true,
            Ok(Some(count @ 1..)) => refused.left = refused.left.saturating_sub(count),
            Ok(Some(0)) | Err(_) => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn the_line_names_between_one_second_and_an_hour() {
        assert_eq!(line(0), "capelet/1 busy 1\n");
        assert_eq!(line(7), "capelet/1 busy 7\n");
        assert_eq!(line(u16::MAX), "capelet/1 busy 3600\n");
    }

    #[test]
    fn a_client_that_has_sent_bytes_still_receives_the_line() {
        let refuser = Refuser::start().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for _ in 0..20 {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            std::io::Write::write_all(&mut client, &[0x16; 1500]).unwrap();
            refuser.refuse(Stream::tcp(listener.accept().unwrap().0).unwrap(), 3);
            let mut got = String::new();
            client.read_to_string(&mut got).unwrap();
            assert_eq!(got, "capelet/1 busy 3\n");
        }
    }

    #[test]
    fn a_client_that_sends_without_end_is_closed() {
        let refuser = Refuser::start().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        refuser.refuse(Stream::tcp(listener.accept().unwrap().0).unwrap(), 3);
        let sent = (0..1 << 20).find_map(|_| std::io::Write::write_all(&mut client, &[0x16; 4096]).err());
        assert!(sent.is_some_and(|error| error.kind() != std::io::ErrorKind::WouldBlock));
    }
}
