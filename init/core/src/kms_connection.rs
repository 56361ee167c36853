//! TLS to KMS, through the parent's relay. The roots are compiled in, the server's name follows from the key's ARN, and
//! the time is the NSM's. A parent that could choose one of them could read every data key.

use crate::transport::{self, Timed, Transport};
use capelet_abi::KMS_PORT;
use enclave_core::encoding::{Channel, write_frame};
use enclave_core::{TransportError, UnixMillis};
use rustls::client::{ClientConfig, ClientConnection, Resumption};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, StreamOwned, version};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

/// How long KMS may be silent.
const IDLE: Duration = Duration::from_secs(5);
/// How long a call may take.
const TOTAL: Duration = Duration::from_secs(15);

/// The roots of Amazon Trust Services, as Amazon publishes them, in DER.
pub const AMAZON_ROOTS: [&[u8]; 5] = [
    include_bytes!("roots/amazon-root-ca-1.der"),
    include_bytes!("roots/amazon-root-ca-2.der"),
    include_bytes!("roots/amazon-root-ca-3.der"),
    include_bytes!("roots/amazon-root-ca-4.der"),
    include_bytes!("roots/starfield-services-root-g2.der"),
];

/// The roots under which KMS' certificate must lie.
pub(crate) struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Roots in DER, at least one. An invalid one ends the boot.
    pub fn new<'a>(roots: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, TransportError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.to_vec())).map_err(|_| TransportError::Failed)?;
        }
        if store.is_empty() { Err(TransportError::Failed) } else { Ok(Self(Arc::new(store))) }
    }
}

/// The NSM's time, for rustls.
#[derive(Debug)]
struct NsmTime(UnixMillis);

impl TimeProvider for NsmTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.get())))
    }
}

/// A connection to KMS.
pub(crate) struct KmsConnection(StreamOwned<ClientConnection, Timed>);

/// Connects to `host`, whose certificate must be valid `now`.
pub(crate) fn connect(
    transport: &Transport,
    roots: &Roots,
    host: &str,
    now: UnixMillis,
) -> Result<KmsConnection, TransportError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::Failed)?;
    let socket = transport.connect(KMS_PORT).map_err(|_| TransportError::Unreachable)?;
    let mut socket = Timed::new(socket, IDLE, TOTAL);
    write_frame(&mut socket, host.as_bytes()).map_err(|_| TransportError::Closed)?;
    let mut config =
        ClientConfig::builder_with_details(Arc::new(aws_lc_rs::default_provider()), Arc::new(NsmTime(now)))
            .with_protocol_versions(&[&version::TLS13])
            .map_err(|_| TransportError::Failed)?
            .with_root_certificates(roots.0.clone())
            .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|_| TransportError::Failed)?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| transport::transport_error(&error))?;
    }
    Ok(KmsConnection(stream))
}

impl Channel for KmsConnection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        self.0.read(buffer).map_err(|error| transport::transport_error(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        transport::write(&mut self.0, bytes)
    }
}
