//! TLS to KMS, through the parent's relay. The roots are compiled in, the name follows from the key's ARN, and the
//! time is the NSM's: an operator who could choose one of them would know every key.

use crate::transport::{self, KMS, Timed, Transport};
use enclave_core::error::Down;
use enclave_core::frame;
use enclave_core::platform::Channel;
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

/// Amazon Trust Services' roots, as Amazon publishes them.
pub const AMAZON_ROOTS: [&[u8]; 5] = [
    include_bytes!("roots/amazon-root-ca-1.der"),
    include_bytes!("roots/amazon-root-ca-2.der"),
    include_bytes!("roots/amazon-root-ca-3.der"),
    include_bytes!("roots/amazon-root-ca-4.der"),
    include_bytes!("roots/starfield-services-root-g2.der"),
];

/// The roots under which KMS' certificate must lie.
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Roots in DER. A root that is none ends the boot.
    pub fn new<'a>(roots: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Down> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(CertificateDer::from(root.to_vec())).map_err(|_| Down::Failed)?;
        }
        if store.is_empty() { Err(Down::Failed) } else { Ok(Self(Arc::new(store))) }
    }
}

/// The NSM's time, for rustls.
#[derive(Debug)]
struct At(u64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0)))
    }
}

/// A connection to KMS.
pub struct Kms(StreamOwned<ClientConnection, Timed>);

/// Connects to `host` at `now`, in milliseconds since 1970.
pub fn connect(transport: &Transport, roots: &Roots, host: &str, now: u64) -> Result<Kms, Down> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Down::Failed)?;
    let socket = transport.connect(KMS).map_err(|_| Down::Unreachable)?;
    let mut socket = Timed::new(socket, IDLE, TOTAL);
    frame::write(&mut socket, host.as_bytes()).map_err(|_| Down::Closed)?;
    let mut config = ClientConfig::builder_with_details(Arc::new(aws_lc_rs::default_provider()), Arc::new(At(now)))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|_| Down::Failed)?
        .with_root_certificates(roots.0.clone())
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|_| Down::Failed)?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| transport::down(&error))?;
    }
    Ok(Kms(stream))
}

impl Channel for Kms {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down> {
        self.0.read(buffer).map_err(|error| transport::down(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Down> {
        transport::write(&mut self.0, bytes)
    }
}
