//! Unix sockets and TCP on loopback, with common types.

use crate::Error;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// An address to listen at or to connect to: `IP:PORT` on loopback, `localhost:PORT` or `unix:PATH`.
///
/// `capelet-parent` uses the same text form. A value of this type that was parsed proves that no other machine can
/// reach the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// A TCP address on loopback.
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_string(),
        };
        let address: SocketAddr = numeric.parse().map_err(|_| Error::Address(text.to_string()))?;
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback(text.to_string()));
        }
        Ok(Self::Tcp(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

impl Address {
    /// Connects, for at most five seconds.
    ///
    /// # Errors
    /// [`Error::Connection`].
    pub fn connect(&self) -> Result<Stream, Error> {
        Ok(match self {
            Self::Unix(path) => Stream::Unix(connect_unix(path)?),
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        })
    }

    /// Listens. A socket file of a process that has ended is removed first.
    ///
    /// # Errors
    /// [`Error::NotASocket`] and [`Error::File`] for a Unix socket, [`Error::Connection`] for TCP.
    pub fn listen(&self) -> Result<Listener, Error> {
        Ok(match self {
            Self::Unix(path) => {
                remove_dead_socket(path);
                Listener::Unix(UnixListener::bind(path).map_err(|error| match error.kind() {
                    ErrorKind::AddrInUse if !is_socket(path) => Error::NotASocket(path.clone()),
                    _ => Error::File(path.clone(), error),
                })?)
            }
            Self::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
        })
    }
}

/// Connects to a Unix socket. The standard library's `connect` waits for ever when the listener's queue is full.
fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(CONNECT))?;
    rustix::io::retry_on_intr(|| connect(&socket, &address))?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, None)?;
    Ok(socket.into())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// Removes a socket file of this user on which no process listens.
fn remove_dead_socket(path: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket() && found.uid() == own);
    if is_socket && connect_unix(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
        // If this fails, the following bind reports it.
        let _ = fs::remove_file(path);
    }
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// A connection over a Unix socket.
    Unix(UnixStream),
    /// A connection over TCP.
    Tcp(TcpStream),
}

impl Stream {
    /// Another handle to the same connection.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tcp(stream) => stream.shutdown(how),
        }
    }

    /// Sets the timeout of one read and of one write. `None` means no timeout.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_write_timeout(timeout)?,
            Self::Tcp(stream) => stream.set_write_timeout(timeout)?,
        }
        self.set_read_timeout(timeout)
    }

    /// Sets the timeout of one read. `None` means no timeout.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_read_timeout(timeout),
            Self::Tcp(stream) => stream.set_read_timeout(timeout),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// A listening Unix socket.
    Unix(UnixListener),
    /// A listening TCP socket.
    Tcp(TcpListener),
}

impl Listener {
    /// The address at which it listens. Port 0 is replaced with the port that the system chose.
    ///
    /// # Errors
    /// [`Error::Address`] for an unnamed Unix socket, [`Error::Connection`].
    pub fn address(&self) -> Result<Address, Error> {
        Ok(match self {
            Self::Unix(listener) => {
                let path = listener.local_addr()?.as_pathname().map(Path::to_path_buf);
                Address::Unix(path.ok_or_else(|| Error::Address("unnamed".to_string()))?)
            }
            Self::Tcp(listener) => Address::Tcp(listener.local_addr()?),
        })
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Unix(listener) => Stream::Unix(listener.accept()?.0),
            Self::Tcp(listener) => {
                let stream = listener.accept()?.0;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_unix_and_loopback_addresses_only() {
        assert_eq!("localhost:7".parse::<Address>().unwrap().to_string(), "127.0.0.1:7");
        assert_eq!("unix:./x".parse::<Address>().unwrap(), Address::Unix("./x".into()));
        assert_eq!("127.0.0.1:7".parse::<Address>().unwrap().to_string(), "127.0.0.1:7");
        assert!(matches!("0.0.0.0:7".parse::<Address>(), Err(Error::NotLoopback(_))));
        assert!(matches!("192.0.2.1:7".parse::<Address>(), Err(Error::NotLoopback(_))));
        assert!(matches!("unix:".parse::<Address>(), Err(Error::Address(_))));
        assert!(matches!("nowhere:7".parse::<Address>(), Err(Error::Address(_))));
    }

    #[test]
    fn listening_replaces_a_dead_socket_but_not_a_live_one() {
        let directory = tempfile::tempdir().unwrap();
        let address = Address::Unix(directory.path().join("s"));
        let first = address.listen().unwrap();
        assert!(matches!(address.listen(), Err(Error::File(..))));
        drop(first);
        address.listen().unwrap();
    }

    #[test]
    fn connecting_to_a_full_queue_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let queue = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        rustix::net::bind(&queue, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&queue, 0).unwrap();
        let _takes_the_place = connect_unix(&path).unwrap();
        assert!(Address::Unix(path).connect().is_err());
    }
}
