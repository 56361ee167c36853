//! What the operator decides.

use crate::address::{Address, Transport};
use crate::deployers::is_older_list;
use crate::{CredentialSource, Error, KmsRoute, Log, Store};
use enclave_core::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use std::sync::Arc;
use std::time::Duration;

/// Everything that [`Parent::start`](crate::Parent::start) needs.
pub struct Settings {
    /// Where clients connect. At least one address.
    pub listen: Vec<Address>,
    /// How the enclave is reached.
    pub enclave: Transport,
    /// The enclave's objects. Several parents of one process may share a store.
    pub store: Arc<Store>,
    /// Where the enclave's KMS traffic may go.
    pub kms: KmsRoute,
    /// Where credentials for KMS come from.
    pub credentials: CredentialSource,
    /// The configuration that the enclave reads at boot, at most [`MAX_CONFIGURATION`] bytes. It is passed on
    /// unchanged.
    pub configuration: Vec<u8>,
    /// The list of owners who may deploy, at most [`MAX_DEPLOYERS`] bytes. It is passed on unchanged. `None` if the
    /// configuration names no list.
    pub deployers: Option<Vec<u8>>,
    /// The limits on connections.
    pub limits: ServiceLimits,
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
        if self.deployers.as_deref().is_some_and(is_older_list) {
            return Err(Error::OlderDeployers("the list of deployers".into()));
        }
        self.kms.check()
    }
}

/// Limits on connections: how many, how long, and how many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// How many clients are served at once.
    pub clients: usize,
    /// How many operations are served at once. A session sends one at a time, and a few more may still be closing.
    pub operations: usize,
    /// How many connections to KMS are served at once.
    pub kms: usize,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long a client's connection may carry no byte.
    pub client_idle: Duration,
    /// The same after one side has ended. It must exceed the longest run of a function.
    pub client_half_closed: Duration,
    /// How long a client's connection may last. It must exceed the longest session: a run starts within 55 minutes,
    /// takes one at most, and its output up to 18 more on the slowest connection.
    pub client_total: Duration,
    /// How long an operation may take, including its body.
    pub operation: Duration,
    /// How long a KMS call may take.
    pub kms_total: Duration,
    /// How many bytes a KMS call may carry in each direction. A call contains a document of at most 262,144 bytes.
    pub kms_bytes: u64,
    /// How long [`Parent::stop`](crate::Parent::stop) waits for connections to end by themselves.
    pub grace: Duration,
}

impl ServiceLimits {
    /// The default limits for this number of clients.
    pub fn for_clients(clients: usize) -> Self {
        Self {
            clients,
            operations: clients.saturating_add(16),
            kms: clients.saturating_add(16),
            connect: Duration::from_secs(20),
            client_idle: Duration::from_secs(15 * 60),
            client_half_closed: Duration::from_secs(90),
            client_total: Duration::from_secs(80 * 60),
            operation: Duration::from_secs(60),
            kms_total: Duration::from_secs(30),
            kms_bytes: 1 << 20,
            grace: Duration::from_secs(3),
        }
    }

    /// The most descriptors that these connections need: two per relay, three per operation (socket, file, folder), and
    /// a reserve for listeners and files.
    pub fn descriptors(&self) -> u64 {
        let relays = self.clients.saturating_add(self.kms).saturating_mul(2);
        relays.saturating_add(self.operations.saturating_mul(3)).saturating_add(64) as u64
    }
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self::for_clients(256)
    }
}
