//! A parent that lies: what passes through it is handed, frame by frame or byte by byte, to a closure that says
//! what becomes of it.

use crate::Error;
use crate::frame::{read_frame, write_frame};
use crate::net::{Address, Listener, Stream};
use crate::service::Service;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The longest frame that is understood, in bytes: that of the parent's operations.
const MAX_FRAME: usize = 1 << 20;
/// The most connections at once.
const CONNECTIONS: usize = 256;

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From whoever connected.
    Up,
    /// Back to him.
    Down,
}

/// What is seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The number of the connection, from 0.
    pub connection: u64,
    /// Its direction.
    pub way: Way,
    /// The number of the frame in that direction, from 0; of bytes, how many came before them.
    pub position: u64,
    /// Whether [`Seen::bytes`] is a frame, without its length.
    pub frame: bool,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// It goes on as it is.
    Pass,
    /// These go on in its place, each a frame if it was one; none at all drops it.
    Send(Vec<Vec<u8>>),
    /// This many bytes of it go on, a frame's length counted, and then both directions are closed.
    Cut(usize),
}

/// How a connection is read: this many frames (u32be length ‖ bytes) in each direction, then bytes.
pub type Frames = u64;
/// Bytes only, as on port 5000, where TLS passes.
pub const BYTES: Frames = 0;
/// Frames only, as on port 8000. On port 8001 it is one, the host, and then TLS.
pub const FRAMES: Frames = u64::MAX;

/// Starts to carry from `listener` to `to`, through `tamper`; runs until what comes back is dropped.
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
        let up = move || carry(client_too, server_too, Way::Up, connection, frames, &*up_tamper);
        let upwards = thread::spawn(up);
        carry(server, client, Way::Down, connection, frames, &*tamper);
        // A panicking closure has closed its direction too.
        let _ = upwards.join();
    })
}

/// One direction to its end, which is passed on; an error closes both.
fn carry(
    mut from: Stream,
    mut to: Stream,
    way: Way,
    connection: u64,
    frames: Frames,
    tamper: &Mutex<impl FnMut(Seen<'_>) -> Act>,
) {
    let ended = move_on(&mut from, &mut to, frames, |position, frame, bytes| {
        let mut tamper = tamper.lock().unwrap_or_else(PoisonError::into_inner);
        tamper(Seen { connection, way, position, frame, bytes })
    });
    let how = if ended.is_ok() { Shutdown::Write } else { Shutdown::Both };
    let _ = to.shutdown(how);
    if ended.is_err() {
        let _ = from.shutdown(how);
    }
}

fn move_on(
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

fn cut(to: &mut Stream, bytes: &[u8], after: usize) -> io::Result<()> {
    to.write_all(&bytes[..after.min(bytes.len())])?;
    Err(ErrorKind::ConnectionAborted.into())
}
