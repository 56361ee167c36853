//! A connection: TCP, Unix or vsock, which are the same once they are connected.
//!
//! Its socket never blocks: whoever has to wait does so through a [`Bell`], with a deadline.

use crate::Error;
use crate::bell::Bell;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;
use vsock::VsockStream;

/// Until when somebody waits, and what ends that early.
#[derive(Clone, Copy)]
pub(crate) struct Until<'a> {
    pub deadline: Instant,
    pub bell: &'a Bell,
}

pub(crate) struct Stream {
    socket: OwnedFd,
    /// Whether one direction can end before the other: not on vhost-device-vsock, which then closes both.
    ends_by_halves: bool,
}

impl Stream {
    pub fn tcp(stream: TcpStream) -> std::io::Result<Self> {
        // What is relayed has been put together by its sender: waiting for more only delays it.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), ends_by_halves: true })
    }

    pub fn unix(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), ends_by_halves: true })
    }

    pub fn vsock(stream: VsockStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { socket: stream.into(), ends_by_halves: true })
    }

    /// A Unix socket behind which a guest of QEMU is.
    pub fn qemu(stream: UnixStream) -> std::io::Result<Self> {
        Ok(Self { ends_by_halves: false, ..Self::unix(stream)? })
    }

    /// Reads what is there; `None` if that is nothing now, 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        at_once(|| recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    /// Writes what fits; `None` if that is nothing now.
    pub fn write(&self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        at_once(|| send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL))
    }

    /// Fills the buffer; `false` if the other side ended before the first byte.
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

    /// Says that nothing more will be written, where that can be said.
    pub fn end_writing(&self) {
        if self.ends_by_halves {
            // It fails only if the other side is gone, which the next read will tell.
            let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        }
    }

    /// Waits until the other side has closed: what was written last is lost on some transports if we close first.
    pub fn wait_for_end(&self, until: Until<'_>) {
        let mut scrap = [0; 512];
        while matches!(self.fill(&mut scrap, until), Ok(true)) {}
    }

    fn wait(&self, flags: PollFlags, until: Until<'_>) -> Result<(), Error> {
        until.bell.wait([Some((self.socket.as_fd(), flags))], Some(until.deadline)).map(drop)
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

    fn soon(bell: &Bell) -> Until<'_> {
        Until { deadline: Instant::now() + Duration::from_millis(30), bell }
    }

    #[test]
    fn ends_and_deadlines() {
        let bell = Bell::new().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = Stream::unix(ours).unwrap();
        let mut buffer = [0; 4];
        assert!(matches!(ours.fill(&mut buffer, soon(&bell)), Err(Error::Deadline)));
        theirs.write_all(b"abcdef").unwrap();
        assert!(ours.fill(&mut buffer, soon(&bell)).unwrap());
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(matches!(ours.fill(&mut buffer, soon(&bell)), Err(Error::Closed)));
        assert!(!ours.fill(&mut buffer, soon(&bell)).unwrap());
        // Nobody reads: the socket's buffer fills, and then the deadline passes.
        assert!(matches!(ours.write_all(&vec![0; 4 << 20], soon(&bell)), Err(Error::Deadline)));
        drop(theirs);
        assert!(matches!(ours.write_all(b"x", soon(&bell)), Err(Error::Closed)));
    }

    #[test]
    fn the_bell_wakes() {
        let bell = Bell::new().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let ours = Stream::unix(ours).unwrap();
        std::thread::scope(|scope| {
            let late = Until { deadline: Instant::now() + Duration::from_secs(60), bell: &bell };
            let ours = &ours;
            let waiting = scope.spawn(move || ours.fill(&mut [0], late));
            bell.ring();
            assert!(matches!(waiting.join().unwrap(), Err(Error::Stopping)));
        });
        assert!(bell.has_rung());
    }
}
