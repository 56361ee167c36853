//! TLS to clients: version 1.3, X25519MLKEM768, raw public keys (RFC 7250), no resumption and no early data.
//!
//! TLS hides the conversation, and its exporter binds the claims to this connection. It does not authenticate the
//! enclave; only the document does.

use crate::sessions::Place;
use crate::transport::{self, Socket, Timed};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use enclave_core::encoding::Channel;
use enclave_core::messages::ALPN;
use enclave_core::platform::Connection;
use enclave_core::state::Account;
use enclave_core::{Error, TransportError};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group, sign};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::sign::CertifiedKey;
use rustls::{StreamOwned, version};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long a client may be silent before its first request. It is short, because anyone may take a session slot.
const FIRST_IDLE: Duration = Duration::from_secs(30);
/// How long a session may take until its first request. The enclave's own time counts too: it may ask KMS first.
const FIRST_TOTAL: Duration = Duration::from_secs(90);
/// A session without a byte for this long ends, and its keys are dropped.
const IDLE: Duration = Duration::from_secs(600);
/// A session ends this long after its first request, and its keys are dropped.
const TOTAL: Duration = Duration::from_secs(3600);
/// How long a transfer may take in addition to what its length justifies.
const GRACE: Duration = Duration::from_secs(30);
/// The slowest transfer, in bytes a second. Memory is reserved for what is on its way.
const SLOWEST: u64 = 65_536;

/// rustls's provider, with X25519MLKEM768 as the only key exchange.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() })
}

/// The server's configuration, with a signing key made for this boot.
///
/// # Errors
/// [`TransportError::Failed`] if no key can be made.
pub fn server_config() -> Result<Arc<ServerConfig>, TransportError> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| TransportError::Failed)?;
    let signing =
        sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_ref())).map_err(|_| TransportError::Failed)?;
    let spki = signing.public_key().ok_or(TransportError::Failed)?.to_vec();
    let key = CertifiedKey::new(vec![CertificateDer::from(spki)], signing);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|_| TransportError::Failed)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// A client's connection.
pub struct Tls {
    stream: StreamOwned<ServerConnection, Timed>,
    place: Arc<Place>,
}

impl Tls {
    /// Shakes hands. The client must offer the protocol `capelet/1`. Until [`Connection::admit`] the time limits are
    /// short. `place` is told when the client is waited for.
    ///
    /// # Errors
    /// A [`TransportError`]; [`TransportError::Closed`] for another protocol.
    pub fn accept(config: &Arc<ServerConfig>, socket: Arc<Socket>, place: Arc<Place>) -> Result<Self, TransportError> {
        place.wait(true);
        let socket = Timed::new(socket, HANDSHAKE, HANDSHAKE);
        let connection = ServerConnection::new(config.clone()).map_err(|_| TransportError::Failed)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| transport::transport_error(&error))?;
        }
        if stream.conn.alpn_protocol() != Some(ALPN) {
            return Err(TransportError::Closed);
        }
        stream.sock.set(FIRST_IDLE, FIRST_TOTAL);
        place.wait(false);
        Ok(Self { stream, place })
    }

    /// Sends `close_notify`, so that the client can tell the end from a truncation.
    pub fn close(mut self) {
        self.stream.conn.send_close_notify();
        // A client that is gone does not need it.
        let _ = self.stream.flush();
    }
}

impl Channel for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        self.place.wait(true);
        let read = self.stream.read(buffer);
        self.place.wait(false);
        read.map_err(|error| transport::transport_error(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        transport::write(&mut self.stream, bytes)
    }
}

impl Connection for Tls {
    fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], TransportError> {
        let exported = self.stream.conn.export_keying_material([0; 32], label.as_bytes(), Some(context));
        exported.map_err(|_| TransportError::Failed)
    }

    fn admit(&mut self, account: Account) -> Result<(), Error> {
        self.place.admit(account)?;
        self.stream.sock.set(IDLE, TOTAL);
        Ok(())
    }

    fn transfer(&mut self, bytes: u64) {
        self.stream.sock.within(Some(GRACE + Duration::from_secs(bytes / SLOWEST)));
    }

    fn rest(&mut self) {
        self.stream.sock.within(None);
    }
}
