//! Bytes to and from the parent: vsock in the image, Unix sockets with the same port numbers in the embedded default.

use enclave_core::error::Down;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use vsock::{VMADDR_CID_ANY, VMADDR_CID_HOST, VsockListener, VsockStream};

/// Clients, in.
pub const CLIENTS: u32 = 5000;
/// Operations of the parent, out.
pub const OPERATIONS: u32 = 8000;
/// The relay to KMS, out.
pub const KMS: u32 = 8001;

/// The parent's CID as an enclave sees it (AWS: always 3); QEMU's machine has it so too.
pub const PARENT_CID: u32 = VMADDR_CID_HOST + 1;

/// An attempt to connect that times out later than this after the first one began is the last. On a busy host the parent or the vsock device may
/// be without processor time for longer than the kernel waits for a connection.
const CONNECT: Duration = Duration::from_secs(20);

/// Where the parent is.
#[derive(Clone, Debug)]
pub enum Transport {
    /// vsock: the image.
    Vsock,
    /// A folder of sockets named by their ports: the embedded default.
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
    pub fn listen(&self, port: u32) -> io::Result<Listener> {
        match self {
            Self::Vsock => VsockListener::bind_with_cid_port(VMADDR_CID_ANY, port).map(Listener::Vsock),
            Self::Unix(folder) => UnixListener::bind(folder.join(port.to_string())).map(Listener::Unix),
        }
    }

    /// Connects to the parent's `port`.
    pub fn connect(&self, port: u32) -> io::Result<Socket> {
        match self {
            Self::Vsock => {
                patiently(CONNECT, || VsockStream::connect_with_cid_port(PARENT_CID, port)).map(Socket::Vsock)
            }
            Self::Unix(folder) => UnixStream::connect(folder.join(port.to_string())).map(Socket::Unix),
        }
    }
}

/// Connects again while the kernel's own timeout of two seconds is what failed, for as long as `total`.
fn patiently<S>(total: Duration, mut connect: impl FnMut() -> io::Result<S>) -> io::Result<S> {
    let start = Instant::now();
    loop {
        match connect() {
            Err(error) if error.kind() == io::ErrorKind::TimedOut && start.elapsed() < total => {}
            connected => return connected,
        }
    }
}

impl Listener {
    /// Waits for a connection. Who it is, nobody knows: a CID authenticates nothing.
    pub fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Vsock(listener) => listener.accept().map(|(stream, _)| Socket::Vsock(stream)),
            Self::Unix(listener) => listener.accept().map(|(stream, _)| Socket::Unix(stream)),
        }
    }
}

impl Socket {
    fn set_timeouts(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Vsock(s) => s.set_read_timeout(Some(timeout)).and_then(|()| s.set_write_timeout(Some(timeout))),
            Self::Unix(s) => s.set_read_timeout(Some(timeout)).and_then(|()| s.set_write_timeout(Some(timeout))),
        }
    }

    fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Vsock(s) => s.read(buffer),
            Self::Unix(s) => s.read(buffer),
        }
    }

    fn write_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Vsock(s) => s.write(bytes),
            Self::Unix(s) => s.write(bytes),
        }
    }
}

/// A socket with deadlines: none of its calls takes longer than `idle`, and none goes on after `until`.
pub struct Timed {
    socket: Socket,
    idle: Duration,
    until: Instant,
    /// What the socket was last told.
    armed: Option<Duration>,
}

impl Timed {
    /// A socket that may be idle for `idle` and is done with after `total`.
    pub fn new(socket: Socket, idle: Duration, total: Duration) -> Self {
        Self { socket, idle, until: Instant::now() + total, armed: None }
    }

    /// Other deadlines from now on.
    pub fn set(&mut self, idle: Duration, total: Duration) {
        self.idle = idle;
        self.until = Instant::now() + total;
    }

    fn arm(&mut self) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A timeout of less than a microsecond would mean none at all.
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

/// What an I/O error is to the core.
pub fn down(error: &io::Error) -> Down {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Down::Deadline,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::AddrNotAvailable => {
            Down::Unreachable
        }
        _ => Down::Closed,
    }
}

/// Reading and writing, as the core's channel.
pub fn read(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Down> {
    from.read(buffer).map_err(|error| down(&error))
}

/// Writes all of it and flushes.
pub fn write(to: &mut impl Write, bytes: &[u8]) -> Result<(), Down> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| down(&error))
}

impl enclave_core::platform::Channel for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        read(self, buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        write(self, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How connecting ends, and after how many attempts, if the first two fail so.
    fn attempts(failure: io::ErrorKind, total: Duration) -> (Option<io::ErrorKind>, usize) {
        let mut count = 0;
        let connected = patiently(total, || {
            count += 1;
            if count > 2 { Ok(()) } else { Err(failure.into()) }
        });
        (connected.err().map(|error| error.kind()), count)
    }

    #[test]
    fn connects_again_after_a_timeout_and_after_nothing_else() {
        assert_eq!(attempts(io::ErrorKind::TimedOut, CONNECT), (None, 3));
        assert_eq!(attempts(io::ErrorKind::TimedOut, Duration::ZERO), (Some(io::ErrorKind::TimedOut), 1));
        for failure in [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset, io::ErrorKind::WouldBlock] {
            assert_eq!(attempts(failure, CONNECT), (Some(failure), 1));
        }
    }
}
