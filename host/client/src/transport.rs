//! Sockets with deadlines, and the TLS connection that docs/protocol.md requires.
//!
//! TLS protects the connection, but does not authenticate the other side. The attestation document does that.

use crate::activity::{Activity, Observer};
use crate::busy_line::BusyLine;
use crate::error::Error;
use crate::url::Url;
use enclave_core::TransportError;
use enclave_core::encoding::Channel;
use enclave_core::messages::ALPN;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme, StreamOwned, version};
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time limit for opening a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// The time limit for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// The pause between two attempts to open a Unix socket whose queue is full.
const PAUSE: Duration = Duration::from_millis(20);

/// A TCP connection or a Unix socket with a deadline.
struct Socket {
    stream: Stream,
    deadline: Instant,
    /// The first bytes that arrived. They may be a line in place of TLS.
    received: BusyLine,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// The time until the deadline. An error if it has passed.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Socket {
    /// The seconds of the line that the other side sent in place of TLS. `None` if it sent something else.
    ///
    /// The line need not have arrived with the bytes that are not TLS.
    fn busy(&mut self) -> Option<u16> {
        while self.received.may_continue() {
            if !matches!(self.read(&mut [0; BusyLine::MAX + 1]), Ok(1..)) {
                break;
            }
        }
        self.received.seconds()
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = Some(self.left()?);
        let count = match &mut self.stream {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(left)?;
                stream.read(buffer)?
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(left)?;
                stream.read(buffer)?
            }
        };
        self.received.add(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// TLS has several records at a time, which one system call sends.
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let left = Some(self.left()?);
        match &mut self.stream {
            Stream::Tcp(stream) => {
                stream.set_write_timeout(left)?;
                stream.write_vectored(parts)
            }
            Stream::Unix(stream) => {
                stream.set_write_timeout(left)?;
                stream.write_vectored(parts)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A TLS connection whose other side is not authenticated yet.
pub struct Tls {
    stream: StreamOwned<ClientConnection, Socket>,
    local: bool,
    observer: Option<Observer>,
}

impl Tls {
    /// Connects to an address and completes the TLS handshake.
    ///
    /// # Errors
    /// [`Error::Connection`]; [`Error::NoPlace`] if the other side has no place for a further client.
    pub fn connect(url: &Url) -> Result<Self, Error> {
        let failed = |error| Error::Connection { url: url.to_string(), error, sent: false };
        let no_place = |retry_after| Error::NoPlace { url: url.to_string(), retry_after };
        let (stream, local) = socket(url).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => no_place(None),
            _ => failed(connect_error(&error)),
        })?;
        let name = ServerName::try_from("capelet").map_err(|_| failed(TransportError::Failed))?;
        let config = config().map_err(|_| failed(TransportError::Failed))?;
        let connection = ClientConnection::new(config, name).map_err(|_| failed(TransportError::Failed))?;
        let socket = Socket { stream, deadline: Instant::now() + HANDSHAKE, received: BusyLine::default() };
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| match stream.sock.busy() {
                Some(seconds) => no_place(Some(seconds)),
                None => failed(io_error(&error)),
            })?;
        }
        if stream.conn.alpn_protocol() != Some(ALPN) {
            return Err(failed(TransportError::Failed));
        }
        Ok(Self { stream, local, observer: None })
    }

    /// Whether the other side is on this machine: a Unix socket or a loopback address.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// Calls `observer` with everything that is passed to [`Tls::notify`], and with the bytes that are moved.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// Tells the observer what the session is doing.
    pub fn notify(&mut self, activity: Activity) {
        if let Some(observer) = &mut self.observer {
            observer(activity);
        }
    }

    /// Sets the deadline to `time` from now.
    pub fn allow(&mut self, time: Duration) {
        self.stream.sock.deadline = Instant::now() + time;
    }

    /// Exports 32 bytes of keying material (RFC 8446, section 7.5).
    ///
    /// # Errors
    /// [`TransportError::Failed`].
    pub fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], TransportError> {
        self.stream
            .conn
            .export_keying_material([0; 32], label.as_bytes(), Some(context))
            .map_err(|_| TransportError::Failed)
    }
}

impl Channel for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = Read::read(&mut self.stream, buffer).map_err(|error| io_error(&error))?;
        self.notify(Activity::Moved(count as u64));
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).map_err(|error| io_error(&error))?;
        self.notify(Activity::Moved(bytes.len() as u64));
        Ok(())
    }
}

fn socket(url: &Url) -> io::Result<(Stream, bool)> {
    match url {
        Url::Unix(path) => Ok((Stream::Unix(connect_unix(path, Instant::now() + CONNECT)?), true)),
        Url::Tcp(host, port) => {
            let deadline = Instant::now() + CONNECT;
            let mut last = io::Error::from(io::ErrorKind::NotFound);
            for address in (host.as_str(), *port).to_socket_addrs()? {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                match TcpStream::connect_timeout(&address, left) {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        return Ok((Stream::Tcp(stream), address.ip().is_loopback()));
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

/// Opens a Unix socket. While its queue of waiting clients is full, the attempt is repeated until the deadline.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if the queue was full until the deadline.
fn connect_unix(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    // A blocking socket would wait without a limit.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    loop {
        match rustix::net::connect(&socket, &address) {
            Ok(()) => break,
            Err(Errno::AGAIN) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The error for a connection that could not be opened.
fn connect_error(error: &io::Error) -> TransportError {
    if error.kind() == io::ErrorKind::TimedOut { TransportError::TimedOut } else { TransportError::Unreachable }
}

/// The error for a connection that broke.
fn io_error(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => TransportError::TimedOut,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => TransportError::Closed,
        _ => TransportError::Failed,
    }
}

fn config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider =
        Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..aws_lc_rs::default_provider() });
    let verifier = Arc::new(AnyKey { provider: provider.clone() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.enable_sni = false;
    Ok(Arc::new(config))
}

/// Accepts any raw public key (RFC 7250) whose private key signed this handshake. The attestation document proves later
/// that the enclave holds the key, because the document is bound to this connection.
#[derive(Debug)]
struct AnyKey {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue of length 0 takes one waiting client. Another one would wait in a blocking `connect` for ever.
    #[test]
    fn a_full_queue_of_a_unix_socket_is_an_error_after_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let far = Instant::now() + Duration::from_secs(3600);
        let _first = connect_unix(&path, far).unwrap();
        let now = Instant::now();
        assert_eq!(connect_unix(&path, now).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // A waiting client is connected as soon as the queue has a place.
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || connect_unix(&path, far)
        });
        rustix::net::accept(&listener).unwrap();
        waiting.join().unwrap().unwrap();
        assert_eq!(connect_unix(&folder.path().join("none"), far).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
