//! A connection over TCP, a Unix socket or vsock.
//!
//! Its socket never blocks. A thread waits through a [`ShutdownSignal`] and with a deadline.

use crate::Error;
use crate::shutdown_signal::ShutdownSignal;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;
use vsock::VsockStream;

/// How long a thread waits, and which signal ends the wait early.
#[derive(Clone, Copy)]
pub(crate) struct Until<'a> {
    pub deadline: Instant,
    pub shutdown: &'a ShutdownSignal,
}

pub(crate) struct Stream {
    socket: OwnedFd,
    /// Whether one direction can end before the other. vhost-device-vsock closes both.
    half_closes: bool,
}

impl Stream {
    pub fn tcp(stream: TcpStream) -> std::io::Result<Self> {
        // The sender has already assembled what is relayed, so waiting for more bytes would only delay it.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), half_closes: true })
    }

    pub fn unix(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), half_closes: true })
    }

    pub fn vsock(stream: VsockStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), half_closes: true })
    }

    /// A Unix socket that leads to a guest of QEMU.
    pub fn qemu(stream: UnixStream) -> std::io::Result<Self> {
        Ok(Self { half_closes: false, ..Self::unix(stream)? })
    }

    /// Reads the bytes that have arrived. `None` if no bytes have arrived yet, 0 if the other side has ended.
    pub fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        at_once(|| recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    /// Writes as many bytes as the socket takes now. `None` if it takes none.
    pub fn write(&self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        at_once(|| send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL))
    }

    /// Fills the buffer. Returns `false` if the other side ended before the first byte.
    pub fn fill(&self, buffer: &mut [u8], until: Until<'_>) -> Result<bool, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                Some(0) if filled == 0 => return Ok(false),
                Some(0) => return Err(Error::Closed),
                Some(count) => filled += count,
                None => self.wait(PollFlags::POLLIN, until)?,
            }
        }
        Ok(true)
    }

    /// Writes all of the bytes.
    pub fn write_all(&self, mut bytes: &[u8], until: Until<'_>) -> Result<(), Error> {
        while !bytes.is_empty() {
            match self.write(bytes)? {
                Some(count) => bytes = &bytes[count..],
                None => self.wait(PollFlags::POLLOUT, until)?,
            }
        }
        Ok(())
    }

    /// Ends this side's direction, if the transport can do that.
    pub fn end_writing(&self) {
        if self.half_closes {
            // It fails only if the other side is gone, and then the next read fails too.
            let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        }
    }

    /// Waits until the other side has closed. On some transports closing first loses the bytes that were written last.
    pub fn wait_for_end(&self, until: Until<'_>) {
        let mut scrap = [0; 512];
        while matches!(self.fill(&mut scrap, until), Ok(true)) {}
    }

    fn wait(&self, flags: PollFlags, until: Until<'_>) -> Result<(), Error> {
        until.shutdown.wait([Some((self.socket.as_fd(), flags))], Some(until.deadline)).map(drop)
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn at_once(mut call: impl FnMut() -> nix::Result<usize>) -> Result<Option<usize>, Error> {
    loop {
        return match call() {
            Ok(count) => Ok(Some(count)),
            Err(nix::Error::EINTR) => continue,
            Err(nix::Error::EAGAIN) => Ok(None),
            Err(nix::Error::EPIPE | nix::Error::ECONNRESET) => Err(Error::Closed),
            Err(error) => Err(Error::Socket(error.into())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::Duration;

    fn soon(signal: &ShutdownSignal) -> Until<'_> {
        Until { deadline: Instant::now() + Duration::from_millis(30), shutdown: signal }
    }

    #[test]
    fn reports_deadlines_and_ends_of_the_other_side() {
        let signal = ShutdownSignal::new().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = Stream::unix(ours).unwrap();
        let mut buffer = [0; 4];
        assert!(matches!(ours.fill(&mut buffer, soon(&signal)), Err(Error::Deadline)));
        theirs.write_all(b"abcdef").unwrap();
        assert!(ours.fill(&mut buffer, soon(&signal)).unwrap());
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(matches!(ours.fill(&mut buffer, soon(&signal)), Err(Error::Closed)));
        assert!(!ours.fill(&mut buffer, soon(&signal)).unwrap());
        // The other side does not read, so the socket's buffer fills and the deadline passes.
        assert!(matches!(ours.write_all(&vec![0; 4 << 20], soon(&signal)), Err(Error::Deadline)));
        drop(theirs);
        assert!(matches!(ours.write_all(b"x", soon(&signal)), Err(Error::Closed)));
    }

    #[test]
    fn a_shutdown_signal_ends_a_wait() {
        let signal = ShutdownSignal::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let ours = Stream::unix(ours).unwrap();
        std::thread::scope(|scope| {
            let late = Until { deadline: Instant::now() + Duration::from_secs(60), shutdown: &signal };
            let ours = &ours;
            let waiting = scope.spawn(move || ours.fill(&mut [0], late));
            signal.set();
            assert!(matches!(waiting.join().unwrap(), Err(Error::Stopping)));
        });
        assert!(signal.is_set());
    }
}
