//! A man in the middle: he ends the client's TLS with a key of his own, opens TLS to the genuine enclave, and hands
//! everything on, so that the client gets a genuine document of another connection.
//!
//! Nothing in TLS stops him: keys are raw and the client takes any (RFC 7250). The exporter in the claims does.

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

const ALPN: &[u8] = b"capelet/1";
/// The longest frame of a session, in bytes.
const MAX_FRAME: usize = 66_000;
/// How long both sides together may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long he listens to one side before he turns to the other.
const TURN: Duration = Duration::from_millis(5);

/// What the man in the middle saw so far.
#[derive(Debug, Default)]
pub struct Sight {
    /// Clients whose hello he read.
    pub clients: AtomicU64,
    /// Clients that went on after the document: they were deceived.
    pub deceived: AtomicU64,
    /// Bytes that he read in the clear, of either direction.
    pub bytes: AtomicU64,
}

/// Stands between clients and the enclave at `to` until what comes back is dropped.
pub fn start(listener: Listener, to: Address, sight: Arc<Sight>) -> Result<Service, Error> {
    let (server, client) = (server()?, client()?);
    Service::start(listener, 64, move |stream| {
        // Whoever does not like him hangs up.
        let _ = between(stream, &to, &server, &client, &sight);
    })
}

/// Everything that either side says goes to the other, to the end: a client that is deceived notices nothing.
fn between(
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

    near.sock.set_read_timeout(Some(TURN))?;
    far.sock.set_read_timeout(Some(TURN))?;
    let (mut deceived, mut spoken) = (false, Instant::now());
    while spoken.elapsed() < SILENCE {
        let up = hand_on(&mut near, &mut far, sight, || {
            if !std::mem::replace(&mut deceived, true) {
                sight.deceived.fetch_add(1, Ordering::SeqCst);
            }
        })?;
        if hand_on(&mut far, &mut near, sight, || {})? || up {
            spoken = Instant::now();
        }
    }
    Ok(())
}

/// Hands on what is there, if something is. The end of one side is the end of both.
fn hand_on(from: &mut impl Read, to: &mut impl Write, sight: &Sight, mut heard: impl FnMut()) -> io::Result<bool> {
    let mut buffer = [0; 16_384];
    match from.read(&mut buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(read) => {
            heard();
            sight.bytes.fetch_add(read as u64, Ordering::SeqCst);
            to.write_all(&buffer[..read])?;
            to.flush()?;
            Ok(true)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
        Err(error) => Err(error),
    }
}

fn crypto() -> Arc<CryptoProvider> {
    let kx_groups = vec![provider::kx_group::X25519MLKEM768];
    Arc::new(CryptoProvider { kx_groups, ..provider::default_provider() })
}

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

/// Takes any raw key that signs the handshake.
#[derive(Debug)]
struct AnyKey;

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
