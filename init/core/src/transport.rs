//! Connections to and from the parent: vsock in the image, and in the embedded default Unix sockets that are named by
//! the port numbers.

use capelet_abi::PARENT_CID;
use enclave_core::TransportError;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vsock::{VMADDR_CID_ANY, VsockListener, VsockStream};

/// An attempt to connect that times out later than this after the first one began is the last. On a busy host the parent
/// or the vsock device may be without processor time for longer than the kernel waits for a connection.
const CONNECT_FOR: Duration = Duration::from_secs(20);

/// How to reach the parent.
#[derive(Clone, Debug)]
pub enum Transport {
    /// vsock: the image.
    Vsock,
    /// A folder with sockets that are named by their ports: the embedded default.
    Unix(PathBuf),
}

/// A listening socket.
pub enum Listener {
    /// vsock.
    Vsock(VsockListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// A connected socket.
pub enum Socket {
    /// vsock.
    Vsock(VsockStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl Transport {
    /// Listens on `port`.
    ///
    /// # Errors
    /// Those of the system calls.
    pub fn listen(&self, port: u32) -> io::Result<Listener> {
        match self {
            Self::Vsock => VsockListener::bind_with_cid_port(VMADDR_CID_ANY, port).map(Listener::Vsock),
            Self::Unix(folder) => UnixListener::bind(folder.join(port.to_string())).map(Listener::Unix),
        }
    }

    /// Connects to the parent's `port`.
    ///
    /// # Errors
    /// Those of the system calls. A timeout is retried for 20 seconds.
    pub fn connect(&self, port: u32) -> io::Result<Socket> {
        match self {
            Self::Vsock => {
                retry_timeouts(CONNECT_FOR, || VsockStream::connect_with_cid_port(PARENT_CID, port)).map(Socket::Vsock)
            }
            Self::Unix(folder) => UnixStream::connect(folder.join(port.to_string())).map(Socket::Unix),
        }
    }
}

/// Connects again while the kernel's own timeout of two seconds is what failed, for as long as `total`.
fn retry_timeouts<S>(total: Duration, mut connect: impl FnMut() -> io::Result<S>) -> io::Result<S> {
    let start = Instant::now();
    loop {
        match connect() {
            Err(error) if error.kind() == io::ErrorKind::TimedOut && start.elapsed() < total => {}
            connected => return connected,
        }
    }
}

impl Listener {
    /// Waits for a connection. A CID authenticates no one.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Vsock(listener) => listener.accept().map(|(stream, _)| Socket::Vsock(stream)),
            Self::Unix(listener) => listener.accept().map(|(stream, _)| Socket::Unix(stream)),
        }
    }
}

/// A call that both kinds of sockets have.
macro_rules! on_either {
    ($socket:expr, $s:ident => $call:expr) => {
        match $socket {
            Socket::Vsock($s) => $call,
            Socket::Unix($s) => $call,
        }
    };
}

impl Socket {
    /// Ends the connection, although another thread may be waiting for it.
    pub fn shutdown(&self) {
        // If the client has ended it already, nothing is left to do.
        let _ = on_either!(self, s => s.shutdown(Shutdown::Both));
    }

    fn set_timeouts(&self, timeout: Duration) -> io::Result<()> {
        on_either!(self, s => s.set_read_timeout(Some(timeout)).and_then(|()| s.set_write_timeout(Some(timeout))))
    }

    fn read_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        on_either!(self, s => (&mut &*s).read(buffer))
    }

    fn write_once(&self, bytes: &[u8]) -> io::Result<usize> {
        on_either!(self, s => (&mut &*s).write(bytes))
    }
}

/// A socket with time limits: no call takes longer than `idle`, and no call continues after `until` or `within`.
pub(crate) struct Timed {
    socket: Arc<Socket>,
    idle: Duration,
    until: Instant,
    within: Option<Instant>,
    /// The timeout that is set on the socket.
    armed: Option<Duration>,
}

impl Timed {
    /// Limits each call to `idle`, and all calls together to `total` from now on.
    pub fn new(socket: impl Into<Arc<Socket>>, idle: Duration, total: Duration) -> Self {
        Self { socket: socket.into(), idle, until: Instant::now() + total, within: None, armed: None }
    }

    /// Sets other limits from now on.
    pub fn set(&mut self, idle: Duration, total: Duration) {
        self.idle = idle;
        self.until = Instant::now() + total;
    }

    /// Limits what is transferred from now on to this time in all; `None` ends the limit.
    pub fn within(&mut self, time: Option<Duration>) {
        self.within = time.map(|time| Instant::now() + time);
    }

    fn arm(&mut self) -> io::Result<()> {
        let until = self.within.map_or(self.until, |within| within.min(self.until));
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // The kernel takes a timeout below one microsecond for no timeout.
        let timeout = left.min(self.idle).max(Duration::from_millis(1));
        if self.armed != Some(timeout) {
            self.socket.set_timeouts(timeout)?;
            self.armed = Some(timeout);
        }
        Ok(())
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.arm()?;
            match self.socket.read_once(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.arm()?;
            match self.socket.write_once(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The core's error for an I/O error.
pub(crate) fn transport_error(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TransportError::TimedOut,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::AddrNotAvailable => {
            TransportError::Unreachable
        }
        _ => TransportError::Closed,
    }
}

/// Reads as a [`Channel`](enclave_core::encoding::Channel) does.
pub(crate) fn read(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, TransportError> {
    from.read(buffer).map_err(|error| transport_error(&error))
}

/// Writes all of `bytes` and flushes.
pub(crate) fn write(to: &mut impl Write, bytes: &[u8]) -> Result<(), TransportError> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| transport_error(&error))
}

impl enclave_core::encoding::Channel for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        write(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error that connecting ends with, and the number of attempts, if the first two fail like this.
    fn attempts(failure: io::ErrorKind, total: Duration) -> (Option<io::ErrorKind>, usize) {
        let mut count = 0;
        let connected = retry_timeouts(total, || {
            count += 1;
            if count > 2 { Ok(()) } else { Err(failure.into()) }
        });
        (connected.err().map(|error| error.kind()), count)
    }

    #[test]
    fn connects_again_after_a_timeout_and_after_nothing_else() {
        assert_eq!(attempts(io::ErrorKind::TimedOut, CONNECT_FOR), (None, 3));
        assert_eq!(attempts(io::ErrorKind::TimedOut, Duration::ZERO), (Some(io::ErrorKind::TimedOut), 1));
        for failure in [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset, io::ErrorKind::WouldBlock] {
            assert_eq!(attempts(failure, CONNECT_FOR), (Some(failure), 1));
        }
    }

    /// A peer that sends a byte now and then is never idle. The transfer's own limit ends it.
    #[test]
    fn a_slow_transfer_ends_although_it_is_never_idle() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let peer = std::thread::spawn(move || {
            while theirs.write_all(&[7]).is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let (idle, total) = (Duration::from_secs(60), Duration::from_secs(60));
        let mut socket = Timed::new(Socket::Unix(ours), idle, total);
        socket.within(Some(Duration::from_millis(100)));
        let error = (0..).find_map(|_| socket.read(&mut [0]).err()).unwrap();
        assert_eq!(transport_error(&error), TransportError::TimedOut);
        // Between two transfers only the other limits hold.
        socket.within(None);
        assert!(socket.read(&mut [0]).is_ok());
        drop(socket);
        peer.join().unwrap();
    }
}
