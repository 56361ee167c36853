//! A proxy that plays a hostile parent. It passes each frame, or each piece of bytes, to a closure. The closure decides
//! what is sent instead.

use crate::Error;
use crate::frame::{read_frame, write_frame};
use crate::net::{Address, Listener, Stream};
use crate::service::Service;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The longest frame, in bytes: that of the parent's operations.
const MAX_FRAME: usize = 1 << 20;
/// The largest number of connections at once.
const CONNECTIONS: usize = 256;

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the client, which connected, to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// A frame, or a piece of bytes, that the closure sees.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The number of the connection, from 0.
    pub connection: u64,
    /// The direction.
    pub way: Way,
    /// For a frame: its number in this direction, from 0. For bytes: the number of bytes before them.
    pub position: u64,
    /// Whether [`Seen::bytes`] is a whole frame without its length.
    pub frame: bool,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// The decision of the closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends it unchanged.
    Pass,
    /// Sends these instead, each as a frame if it was a frame. An empty list drops it.
    Send(Vec<Vec<u8>>),
    /// Sends this many bytes of it, and then closes both directions. The four bytes of a frame's length count.
    Cut(usize),
}

/// The number of frames (u32be length ‖ bytes) with which each direction begins. Bytes follow them.
pub type Frames = u64;
/// Bytes only, as on port 5000, which carries TLS.
pub const BYTES: Frames = 0;
/// Frames only, as on port 8000. On port 8001 there is one frame, which names the host, and then TLS.
pub const FRAMES: Frames = u64::MAX;

/// Starts to forward from `listener` to `to` what `tamper` decides.
///
/// The proxy runs until the returned value is dropped.
///
/// # Errors
/// The errors of [`Service::start`].
pub fn start(
    listener: Listener,
    to: Address,
    frames: Frames,
    tamper: impl FnMut(Seen<'_>) -> Act + Send + 'static,
) -> Result<Service, Error> {
    let (tamper, next) = (Arc::new(Mutex::new(tamper)), AtomicU64::new(0));
    Service::start(listener, CONNECTIONS, move |client| {
        let connection = next.fetch_add(1, Ordering::SeqCst);
        let (Ok(server), Ok(client_too)) = (to.connect(), client.try_clone()) else { return };
        let Ok(server_too) = server.try_clone() else { return };
        let up_tamper = tamper.clone();
        let up = move || forward(client_too, server_too, Way::Up, connection, frames, &*up_tamper);
        let upwards = thread::spawn(up);
        forward(server, client, Way::Down, connection, frames, &*tamper);
        // A closure that panicked has closed its direction too.
        let _ = upwards.join();
    })
}

/// Forwards one direction to its end. The end is forwarded too. An error closes both directions.
fn forward(
    mut from: Stream,
    mut to: Stream,
    way: Way,
    connection: u64,
    frames: Frames,
    tamper: &Mutex<impl FnMut(Seen<'_>) -> Act>,
) {
    let ended = forward_pieces(&mut from, &mut to, frames, |position, frame, bytes| {
        let mut tamper = tamper.lock().unwrap_or_else(PoisonError::into_inner);
        tamper(Seen { connection, way, position, frame, bytes })
    });
    let how = if ended.is_ok() { Shutdown::Write } else { Shutdown::Both };
    let _ = to.shutdown(how);
    if ended.is_err() {
        let _ = from.shutdown(how);
    }
}

fn forward_pieces(
    from: &mut Stream,
    to: &mut Stream,
    frames: Frames,
    mut tamper: impl FnMut(u64, bool, &[u8]) -> Act,
) -> io::Result<()> {
    for position in 0..frames {
        let Some(frame) = read_frame(from, MAX_FRAME)? else { return Ok(()) };
        match tamper(position, true, &frame) {
            Act::Pass => write_frame(to, &frame)?,
            Act::Send(others) => others.iter().try_for_each(|other| write_frame(to, other))?,
            Act::Cut(after) => {
                let whole = [&(frame.len() as u32).to_be_bytes(), &frame[..]].concat();
                return cut(to, &whole, after);
            }
        }
    }
    let (mut position, mut buffer) = (0, vec![0; 65_536]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..read];
        match tamper(position, false, bytes) {
            Act::Pass => to.write_all(bytes)?,
            Act::Send(others) => others.iter().try_for_each(|other| to.write_all(other))?,
            Act::Cut(after) => return cut(to, bytes, after),
        }
        position += read as u64;
    }
}

/// Sends the first `after` bytes and then fails, so that the connection is closed.
fn cut(to: &mut Stream, bytes: &[u8], after: usize) -> io::Result<()> {
    to.write_all(&bytes[..after.min(bytes.len())])?;
    Err(ErrorKind::ConnectionAborted.into())
}
