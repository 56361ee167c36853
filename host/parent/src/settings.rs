//! What the operator decides.

use crate::address::{Address, Transport};
use crate::{Error, Log, Store, credentials, kms};
use enclave_core::parent::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// All that a parent is started with.
pub struct Settings {
    /// Where clients connect; at least one.
    pub listen: Vec<Address>,
    /// How the enclave is reached.
    pub enclave: Transport,
    /// What the enclave stores. Several parents of one process may share it.
    pub store: Arc<Store>,
    /// Where the enclave's KMS traffic may go.
    pub kms: kms::Route,
    /// Credentials for KMS.
    pub credentials: credentials::Source,
    /// The configuration that the enclave asks for at boot, as it is; at most [`MAX_CONFIGURATION`] bytes.
    pub configuration: Vec<u8>,
    /// The list of those who may deploy, as it is; at most [`MAX_DEPLOYERS`] bytes.
    pub deployers: Option<Vec<u8>>,
    /// Bounds.
    pub limits: Limits,
    /// Where events go.
    pub log: Arc<Log>,
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.listen.is_empty() {
            return Err(Error::NothingToListenOn);
        }
        let limits = &self.limits;
        if limits.clients == 0 || limits.operations == 0 || limits.kms == 0 {
            return Err(Error::Limit("a number of connections"));
        }
        let deployers = self.deployers.as_ref().map_or(0, Vec::len);
        for (what, length, limit) in [
            ("the configuration", self.configuration.len(), MAX_CONFIGURATION),
            ("the list of deployers", deployers, MAX_DEPLOYERS),
        ] {
            if length > limit {
                return Err(Error::FileTooLarge { what: what.into(), limit });
            }
        }
        self.kms.check()
    }
}

/// Bounds on connections: how many, how long, how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients at once.
    pub clients: usize,
    /// Operations of the enclave at once. A session asks for one at a time; a few more are on their way out.
    pub operations: usize,
    /// Connections to KMS at once.
    pub kms: usize,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long nothing may pass between client and enclave.
    pub client_idle: Duration,
    /// The same, once one of the two has ended its side: longer than a function may run.
    pub client_half_closed: Duration,
    /// How long a client may stay: longer than the enclave lets a session last (an hour).
    pub client_total: Duration,
    /// How long an operation may take, its body included.
    pub operation: Duration,
    /// How long a KMS call may take.
    pub kms_total: Duration,
    /// Bytes to KMS, and as many back: a call holds a document of at most 262,144 bytes.
    pub kms_bytes: u64,
    /// How long the parent waits for those who are being served when it ends.
    pub grace: Duration,
}

impl Limits {
    /// Bounds for so many clients.
    pub fn for_clients(clients: usize) -> Self {
        Self {
            clients,
            operations: clients.saturating_add(16),
            kms: clients.saturating_add(16),
            connect: Duration::from_secs(5),
            client_idle: Duration::from_secs(15 * 60),
            client_half_closed: Duration::from_secs(90),
            client_total: Duration::from_secs(70 * 60),
            operation: Duration::from_secs(60),
            kms_total: Duration::from_secs(30),
            kms_bytes: 1 << 20,
            grace: Duration::from_secs(3),
        }
    }

    /// How many descriptors all of this takes at most: two a relay, three an operation (socket, file, folder), the
    /// listening ones, and some room.
    pub fn descriptors(&self) -> u64 {
        let relays = self.clients.saturating_add(self.kms).saturating_mul(2);
        relays.saturating_add(self.operations.saturating_mul(3)).saturating_add(64) as u64
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_clients(256)
    }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::File`] and [`Error::FileTooLarge`].
pub fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(Error::FileTooLarge { what: path.display().to_string(), limit });
    }
    Ok(bytes)
}
