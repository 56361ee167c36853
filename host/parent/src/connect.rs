//! Connecting to the enclave, to an address of the operator, and to a KMS endpoint.

use crate::address::Transport;
use crate::stream::{Stream, Until};
use crate::{Address, Error};
use capelet_abi::CLIENT_PORT;
use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use vsock::VsockStream;

/// The longest accepted answer of vhost-device-vsock to `CONNECT`, in bytes. The longest valid one is `OK
/// 4294967295\n`.
const MAX_ANSWER: usize = 32;

/// Connects to the port of the enclave on which it serves clients.
pub(crate) fn enclave(transport: &Transport, until: Until<'_>) -> Result<Stream, Error> {
    match transport {
        Transport::Unix(folder) => {
            let stream = unix(&folder.join(CLIENT_PORT.to_string()), left(until)?).map_err(Error::Unreachable)?;
            Stream::unix(stream).map_err(Error::Socket)
        }
        Transport::Vsock(cid) => loop {
            match VsockStream::connect_with_cid_port(*cid, CLIENT_PORT) {
                Ok(stream) => return Stream::vsock(stream).map_err(Error::Socket),
                // The kernel gives up after 2 s (vsock(7)); a busy enclave may need longer.
                Err(error) if error.kind() == ErrorKind::TimedOut => left(until)?,
                Err(error) => return Err(Error::Unreachable(error)),
            };
        },
        Transport::Qemu(path) => {
            let stream = unix(path, left(until)?).map_err(Error::Unreachable)?;
            let stream = Stream::qemu(stream).map_err(Error::Socket)?;
            open_port(&stream, CLIENT_PORT, until)?;
            Ok(stream)
        }
    }
}

/// Connects to an address that the operator named.
pub(crate) fn address(address: &Address, until: Until<'_>) -> Result<Stream, Error> {
    match address {
        Address::Tcp(address) => tcp(*address, until),
        Address::Unix(path) => {
            let stream = unix(path, left(until)?).map_err(Error::Unreachable)?;
            Stream::unix(stream).map_err(Error::Socket)
        }
    }
}

/// Connects to a host by name. It tries the host's addresses in turn. The look-up has the resolver's own timeouts.
pub(crate) fn host(name: &str, port: u16, until: Until<'_>) -> Result<Stream, Error> {
    let mut last = Error::Unreachable(ErrorKind::NotFound.into());
    for address in (name, port).to_socket_addrs().map_err(Error::Unreachable)? {
        match tcp(address, until) {
            Err(Error::Unreachable(error)) => last = Error::Unreachable(error),
            done => return done,
        }
    }
    Err(last)
}

fn tcp(address: std::net::SocketAddr, until: Until<'_>) -> Result<Stream, Error> {
    let stream = TcpStream::connect_timeout(&address, left(until)?).map_err(Error::Unreachable)?;
    Stream::tcp(stream).map_err(Error::Socket)
}

/// Connects to a Unix socket within `limit`. The standard library's `connect` has no limit: it waits for ever when the
/// listener's queue is full.
///
/// # Errors
/// Those of the operating system, EAGAIN at the limit.
pub fn unix(path: &Path, limit: Duration) -> io::Result<UnixStream> {
    let milliseconds = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX).max(1);
    let path = UnixAddr::new(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, SendTimeout, &TimeVal::milliseconds(milliseconds))?;
    while let Err(error) = connect(socket.as_raw_fd(), &path) {
        if error != nix::Error::EINTR {
            return Err(error.into());
        }
    }
    Ok(socket.into())
}

/// The handshake of vhost-device-vsock: it answers `CONNECT port\n` with `OK port\n`, or closes.
fn open_port(stream: &Stream, port: u32, until: Until<'_>) -> Result<(), Error> {
    stream.write_all(format!("CONNECT {port}\n").as_bytes(), until)?;
    let mut answer = Vec::with_capacity(MAX_ANSWER);
    while answer.last() != Some(&b'\n') {
        let mut byte = [0];
        // Read byte by byte, because the bytes after the line belong to the guest.
        if answer.len() == MAX_ANSWER || !stream.fill(&mut byte, until)? {
            return Err(Error::NotOpened);
        }
        answer.extend(byte);
    }
    if answer.starts_with(b"OK ") { Ok(()) } else { Err(Error::NotOpened) }
}

fn left(until: Until<'_>) -> Result<Duration, Error> {
    if until.shutdown.is_set() {
        return Err(Error::Stopping);
    }
    let left = until.deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::Deadline) } else { Ok(left) }
}
