//! Listeners: for clients on TCP or a Unix socket, for the enclave on a Unix socket or a vsock port.

use crate::connect;
use crate::stream::Stream;
use crate::{Address, Error};
use std::fs::{remove_file, symlink_metadata};
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vsock::{VMADDR_CID_ANY, VsockListener};

enum Socket {
    Tcp(TcpListener),
    /// The path is removed when the listener is dropped.
    Unix(UnixListener, PathBuf),
    /// Only this CID is accepted.
    Vsock(VsockListener, u32),
}

pub(crate) struct Listener {
    socket: Socket,
    /// Whether connections come through vhost-device-vsock.
    qemu: bool,
}

/// An accepted connection, and the name of its other side for the log.
pub(crate) struct Accepted {
    pub stream: Stream,
    pub peer: String,
}

impl Listener {
    /// Listens for clients. Also returns the address, with the port that the system chose.
    pub fn bind(address: &Address) -> Result<(Self, Address), Error> {
        let refused = |source| Error::Listen { address: address.to_string(), source };
        match address {
            Address::Tcp(wanted) => {
                let listener = TcpListener::bind(wanted).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                let bound = listener.local_addr().map_err(refused)?;
                Ok((Self { socket: Socket::Tcp(listener), qemu: false }, Address::Tcp(bound)))
            }
            Address::Unix(path) => Ok((Self::unix(path)?, address.clone())),
        }
    }

    pub fn unix(path: &Path) -> Result<Self, Error> {
        Self::on_unix(path, false)
    }

    /// A Unix socket to which vhost-device-vsock connects for a guest.
    pub fn qemu(path: &Path) -> Result<Self, Error> {
        Self::on_unix(path, true)
    }

    fn on_unix(path: &Path, qemu: bool) -> Result<Self, Error> {
        let refused = |source| Error::Listen { address: format!("unix:{}", path.display()), source };
        let listener = bind_unix(path).map_err(refused)?;
        let socket = Socket::Unix(listener, path.to_owned());
        let listener = Self { socket, qemu };
        listener.set_nonblocking().map_err(refused)?;
        Ok(listener)
    }

    pub fn vsock(cid: u32, port: u32) -> Result<Self, Error> {
        let refused = |source| Error::Listen { address: format!("vsock port {port}"), source };
        let listener = VsockListener::bind_with_cid_port(VMADDR_CID_ANY, port).map_err(refused)?;
        let listener = Self { socket: Socket::Vsock(listener, cid), qemu: false };
        listener.set_nonblocking().map_err(refused)?;
        Ok(listener)
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(listener) => listener.set_nonblocking(true),
            Socket::Unix(listener, _) => listener.set_nonblocking(true),
            Socket::Vsock(listener, _) => listener.set_nonblocking(true),
        }
    }

    /// Accepts one connection. `None` if none is waiting.
    pub fn accept(&self) -> Result<Option<Accepted>, Error> {
        let accepted = match &self.socket {
            Socket::Tcp(listener) => listener.accept().and_then(|(stream, from)| {
                let peer = from.to_string();
                Ok(Accepted { stream: Stream::tcp(stream)?, peer })
            }),
            Socket::Unix(listener, _) => listener.accept().and_then(|(stream, _)| {
                let stream = if self.qemu { Stream::qemu(stream)? } else { Stream::unix(stream)? };
                Ok(Accepted { stream, peer: "unix".into() })
            }),
            Socket::Vsock(listener, cid) => match listener.accept() {
                // Other enclaves of the instance must not reach this enclave's store and KMS route.
                Ok((_, from)) if from.cid() != *cid => return Err(Error::Stranger(from.cid())),
                accepted => accepted.and_then(|(stream, from)| {
                    Ok(Accepted { stream: Stream::vsock(stream)?, peer: format!("vsock:{}", from.cid()) })
                }),
            },
        };
        match accepted {
            Ok(accepted) => Ok(Some(accepted)),
            // The last three mean that the other side is gone already, or that a signal came.
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::Interrupted => Ok(None),
                _ => Err(Error::Socket(error)),
            },
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener, _) => listener.as_fd(),
            Socket::Vsock(listener, _) => listener.as_fd(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.socket {
            let _ = remove_file(path);
        }
    }
}

/// Binds a Unix socket. It replaces a socket file on which nobody listens, because a killed process leaves one behind.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let taken = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => error,
        bound => return bound,
    };
    // A file of another type also refuses connections, and must not be removed.
    if !symlink_metadata(path)?.file_type().is_socket() {
        return Err(taken);
    }
    match connect::unix(path, Duration::from_secs(1)) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            remove_file(path)?;
            UnixListener::bind(path)
        }
        _ => Err(taken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_socket_only_if_nobody_listens_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // The standard library leaves the file behind, as a killed process does.
        drop(UnixListener::bind(&path).unwrap());
        let living = Listener::unix(&path).unwrap();
        assert!(matches!(Listener::unix(&path), Err(Error::Listen { .. })));
        drop(living);
        assert!(!path.exists());
        std::fs::write(&path, b"somebody's file").unwrap();
        assert!(matches!(Listener::unix(&path), Err(Error::Listen { .. })));
        assert!(path.exists());
    }
}
