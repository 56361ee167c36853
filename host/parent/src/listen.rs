//! Listeners: for clients on TCP or a Unix socket, for the enclave on a Unix socket or a vsock port.

use crate::connect;
use crate::stream::Stream;
use crate::{Address, Error};
use std::fs::{remove_file, symlink_metadata};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vsock::{VMADDR_CID_ANY, VsockListener};

enum Socket {
    Tcp(TcpListener),
    /// The path goes first when both are dropped: as long as the socket is open, no other file gets its inode.
    Unix {
        _path: BoundPath,
        listener: UnixListener,
    },
    /// Only this CID is accepted.
    Vsock(VsockListener, u32),
    /// Stands in for vsock: so many connections come from another enclave.
    #[cfg(test)]
    WithStrangers(UnixListener, std::cell::Cell<usize>),
}

pub(crate) struct Listener {
    socket: Socket,
    /// Whether connections come through vhost-device-vsock.
    qemu: bool,
}

/// An accepted connection.
pub(crate) struct Accepted {
    pub stream: Stream,
    /// The name of its other side, for the log.
    pub peer: String,
    /// The address of its other side. `None` if it has none that tells clients apart.
    pub from: Option<IpAddr>,
}

/// What was waiting on a listener.
pub(crate) enum Waiting {
    Connection(Accepted),
    /// A connection from this vsock CID, which is not the enclave's. It is closed already.
    Stranger(u32),
    /// The connection is gone again, or there was none.
    Nothing,
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
        let bound = BoundPath::new(path).map_err(refused)?;
        let listener = Self { socket: Socket::Unix { _path: bound, listener }, qemu };
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

    #[cfg(test)]
    pub fn with_strangers(path: &Path, strangers: usize) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let listener = Self { socket: Socket::WithStrangers(listener, strangers.into()), qemu: false };
        listener.set_nonblocking().unwrap();
        listener
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(listener) => listener.set_nonblocking(true),
            Socket::Unix { listener, .. } => listener.set_nonblocking(true),
            Socket::Vsock(listener, _) => listener.set_nonblocking(true),
            #[cfg(test)]
            Socket::WithStrangers(listener, _) => listener.set_nonblocking(true),
        }
    }

    /// Accepts one connection.
    pub fn accept(&self) -> Result<Waiting, Error> {
        let accepted = match &self.socket {
            Socket::Tcp(listener) => listener.accept().and_then(|(stream, from)| {
                Ok(Accepted { stream: Stream::tcp(stream)?, peer: from.to_string(), from: Some(from.ip()) })
            }),
            Socket::Unix { listener, .. } => listener.accept().and_then(|(stream, _)| {
                let stream = if self.qemu { Stream::qemu(stream)? } else { Stream::unix(stream)? };
                Ok(Accepted { stream, peer: "unix".into(), from: None })
            }),
            Socket::Vsock(listener, cid) => match listener.accept() {
                // Other enclaves of the instance must not reach this enclave's store and KMS route.
                Ok((_, from)) if from.cid() != *cid => return Ok(Waiting::Stranger(from.cid())),
                accepted => accepted.and_then(|(stream, from)| {
                    let peer = format!("vsock:{}", from.cid());
                    Ok(Accepted { stream: Stream::vsock(stream)?, peer, from: None })
                }),
            },
            #[cfg(test)]
            Socket::WithStrangers(listener, strangers) => match (listener.accept(), strangers.get()) {
                (Ok(_), left @ 1..) => {
                    strangers.set(left - 1);
                    return Ok(Waiting::Stranger(5));
                }
                (accepted, _) => accepted.and_then(|(stream, _)| {
                    Ok(Accepted { stream: Stream::unix(stream)?, peer: "unix".into(), from: None })
                }),
            },
        };
        match accepted {
            Ok(accepted) => Ok(Waiting::Connection(accepted)),
            // The last three mean that the other side is gone already, or that a signal came.
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::Interrupted => Ok(Waiting::Nothing),
                _ => Err(Error::Socket(error)),
            },
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix { listener, .. } => listener.as_fd(),
            Socket::Vsock(listener, _) => listener.as_fd(),
            #[cfg(test)]
            Socket::WithStrangers(listener, _) => listener.as_fd(),
        }
    }
}

/// The path of a socket that this process has bound, and which file it was then.
struct BoundPath {
    path: PathBuf,
    file: (u64, u64),
}

impl BoundPath {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(path)? })
    }
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        // Another process may have bound the path since. Its socket stays.
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            let _ = remove_file(&self.path);
        }
    }
}

/// The device and the inode of a file. A link is not followed.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Binds a Unix socket. It replaces a socket of this user on which nobody listens, because a killed process leaves one
/// behind.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let taken = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => error,
        bound => return bound,
    };
    // A file of another type also refuses connections. Neither it nor another user's socket must be removed.
    let metadata = symlink_metadata(path)?;
    if !metadata.file_type().is_socket() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
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

    #[test]
    fn keeps_a_socket_that_another_process_bound_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = Listener::unix(&path).unwrap();
        remove_file(&path).unwrap();
        let _second = Listener::unix(&path).unwrap();
        drop(first);
        assert!(path.exists());
    }
}
