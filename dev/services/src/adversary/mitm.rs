//! A man in the middle. It terminates the client's TLS with its own key, opens TLS to the genuine enclave, and forwards
//! everything. The client therefore gets a genuine document that belongs to another connection.
//!
//! TLS alone does not prevent this: keys are raw (RFC 7250), and the client accepts any key. The TLS exporter in the
//! claims prevents it.

use crate::Error;
use crate::frame::{read_frame, write_frame};
use crate::net::{Address, Listener, Stream};
use crate::service::Service;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider, verify_tls13_signature_with_raw_key};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, PeerMisbehaved, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned, version,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The protocol name in TLS.
const ALPN: &[u8] = b"capelet/1";
/// The longest frame of a session, in bytes.
const MAX_FRAME: usize = 66_000;
/// A session ends when neither side has sent anything for this time.
const SILENCE: Duration = Duration::from_secs(30);
/// The time for which it waits for one side before it reads from the other.
const POLL: Duration = Duration::from_millis(5);

/// What the man in the middle has seen so far.
#[derive(Debug, Default)]
pub struct Sight {
    /// The number of clients whose `hello` it read.
    pub clients: AtomicU64,
    /// The number of clients that sent more after the document. They did not detect the attack.
    pub deceived: AtomicU64,
    /// The number of plaintext bytes that it read, in both directions.
    pub bytes: AtomicU64,
}

/// Starts to attack the clients that connect to `listener`, with the enclave at `to`.
///
/// The attack runs until the returned value is dropped.
///
/// # Errors
/// [`Error::Key`], [`Error::Tls`], and the errors of [`Service::start`].
pub fn start(listener: Listener, to: Address, sight: Arc<Sight>) -> Result<Service, Error> {
    let (server, client) = (server()?, client()?);
    Service::start(listener, 64, move |stream| {
        // A client that detects the attack closes the connection. That is not an error.
        let _ = relay(stream, &to, &server, &client, &sight);
    })
}

/// Forwards both directions to the end, so that a deceived client gets its answers.
fn relay(
    stream: Stream,
    to: &Address,
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    sight: &Sight,
) -> Result<(), Error> {
    stream.set_timeout(Some(SILENCE))?;
    let mut near = StreamOwned::new(ServerConnection::new(server.clone())?, stream);
    let Some(hello) = read_frame(&mut near, MAX_FRAME)? else { return Ok(()) };
    sight.clients.fetch_add(1, Ordering::SeqCst);
    sight.bytes.fetch_add(hello.len() as u64, Ordering::SeqCst);
    let far = to.connect()?;
    far.set_timeout(Some(SILENCE))?;
    let name = ServerName::try_from("enclave.invalid").map_err(|_| Error::Address(to.to_string()))?;
    let mut far = StreamOwned::new(ClientConnection::new(client.clone(), name)?, far);
    write_frame(&mut far, &hello)?;

    near.sock.set_read_timeout(Some(POLL))?;
    far.sock.set_read_timeout(Some(POLL))?;
    let (mut deceived, mut last_activity) = (false, Instant::now());
    while last_activity.elapsed() < SILENCE {
        let up = forward(&mut near, &mut far, sight, || {
            if !std::mem::replace(&mut deceived, true) {
                sight.deceived.fetch_add(1, Ordering::SeqCst);
            }
        })?;
        if forward(&mut far, &mut near, sight, || {})? || up {
            last_activity = Instant::now();
        }
    }
    Ok(())
}

/// Forwards the bytes that are available. Returns whether there were some. The end of one side is an error.
fn forward(from: &mut impl Read, to: &mut impl Write, sight: &Sight, mut received: impl FnMut()) -> io::Result<bool> {
    let mut buffer = [0; 16_384];
    match from.read(&mut buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(read) => {
            received();
            sight.bytes.fetch_add(read as u64, Ordering::SeqCst);
            to.write_all(&buffer[..read])?;
            to.flush()?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The cryptography of a session: TLS with X25519MLKEM768 only.
fn crypto() -> Arc<CryptoProvider> {
    let kx_groups = vec![provider::kx_group::X25519MLKEM768];
    Arc::new(CryptoProvider { kx_groups, ..provider::default_provider() })
}

/// The side that faces the client, with a key of its own.
fn server() -> Result<Arc<ServerConfig>, Error> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8.map_err(|_| Error::Key)?.as_ref().to_vec());
    let key = provider::sign::any_ecdsa_type(&pkcs8.into())?;
    let spki = key.public_key().ok_or(Error::Key)?.to_vec();
    let certified = Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], key));
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The side that faces the enclave.
fn client() -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyKey))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = false;
    Ok(Arc::new(config))
}

/// Accepts any raw key that signed the handshake.
#[derive(Debug)]
pub struct AnyKey;

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
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let spki = SubjectPublicKeyInfoDer::from(key.as_ref());
        let algorithms = provider::default_provider().signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &spki, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::default_provider().signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
