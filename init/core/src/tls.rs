//! TLS to clients: 1.3, X25519MLKEM768, raw public keys (RFC 7250), nothing resumed and nothing early. It hides and
//! binds; who the enclave is, only its document says.

use crate::transport::{self, Socket, Timed};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use enclave_core::error::Down;
use enclave_core::platform::{Channel, Connection};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group, sign};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::sign::CertifiedKey;
use rustls::{StreamOwned, version};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// The application protocol.
pub const ALPN: &[u8] = b"capelet/1";

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long a client may be silent before its first request: places are few, and anybody may take one.
const FIRST_IDLE: Duration = Duration::from_secs(30);
/// How long it may take to that request. The enclave's own time counts too: it may have to ask KMS first.
const FIRST_TOTAL: Duration = Duration::from_secs(90);
/// After so long without a byte a session and its keys are gone.
const IDLE: Duration = Duration::from_secs(600);
/// So long after its first request a session and its keys are gone.
const TOTAL: Duration = Duration::from_secs(3600);

/// The one provider: X25519MLKEM768 and TLS 1.3's suites.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..default_provider() })
}

/// The server's configuration, with a key made for this boot.
pub fn server() -> Result<Arc<ServerConfig>, Down> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| Down::Failed)?;
    let signing = sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_ref())).map_err(|_| Down::Failed)?;
    let spki = signing.public_key().ok_or(Down::Failed)?.to_vec();
    let key = CertifiedKey::new(vec![CertificateDer::from(spki)], signing);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|_| Down::Failed)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// A client's connection.
pub struct Tls(StreamOwned<ServerConnection, Timed>);

impl Tls {
    /// Shakes hands; the protocol must be ours. Until [`Connection::admit`] there is little time.
    pub fn accept(config: &Arc<ServerConfig>, socket: Socket) -> Result<Self, Down> {
        let socket = Timed::new(socket, HANDSHAKE, HANDSHAKE);
        let connection = ServerConnection::new(config.clone()).map_err(|_| Down::Failed)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| transport::down(&error))?;
        }
        if stream.conn.alpn_protocol() != Some(ALPN) {
            return Err(Down::Closed);
        }
        stream.sock.set(FIRST_IDLE, FIRST_TOTAL);
        Ok(Self(stream))
    }

    /// Says goodbye, so that the client can tell an end from a cut.
    pub fn close(mut self) {
        self.0.conn.send_close_notify();
        // Whoever is gone does not hear it.
        let _ = self.0.flush();
    }
}

impl Channel for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        self.0.read(buffer).map_err(|error| transport::down(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        transport::write(&mut self.0, bytes)
    }
}

impl Connection for Tls {
    fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], Down> {
        self.0.conn.export_keying_material([0; 32], label.as_bytes(), Some(context)).map_err(|_| Down::Failed)
    }

    fn admit(&mut self) {
        self.0.sock.set(IDLE, TOTAL);
    }
}
