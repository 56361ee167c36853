//! What the operator decides.

use crate::address::{Address, Transport};
use crate::busy::LINGERING;
use crate::deployers::is_older_list;
use crate::{CredentialSource, Error, KmsRoute, Log, Store};
use enclave_core::{MAX_CONFIGURATION, MAX_DEPLOYERS};
use std::sync::Arc;
use std::time::Duration;

/// The default of [`ServiceLimits::sessions`].
const SESSIONS: usize = 56;

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
        if limits.clients == 0
            || limits.sessions == 0
            || limits.per_address == Some(0)
            || limits.operations == 0
            || limits.kms == 0
        {
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
    /// How many clients the enclave serves at once. The others wait. It is below the 64 sessions of an enclave, because
    /// the enclave frees a place a moment after the parent has seen the session end.
    pub sessions: usize,
    /// How many clients of one source address are served at once, where addresses tell clients apart. `None` if the
    /// number is not limited.
    pub per_address: Option<usize>,
    /// How long a client waits until the enclave can serve it. Then it is told to come back later.
    pub wait: Duration,
    /// After this time without a byte from a client whom the enclave awaits, the client no longer counts towards
    /// `sessions`. The enclave ends such a session if it needs the place.
    pub silence: Duration,
    /// How often a client that has waited in vain is passed on to the enclave although `sessions` are taken.
    pub pass: Duration,
    /// How many operations are served at once. A session sends one at a time, and a few more may still be closing.
    pub operations: usize,
    /// How many connections to KMS are served at once.
    pub kms: usize,
    /// How long connecting may take, and the enclave's first answer to a client. A client gives up after 20 s.
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
            sessions: SESSIONS,
            per_address: Some(default_per_address(clients)),
            wait: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            pass: Duration::from_secs(1),
            operations: clients.saturating_add(16),
            kms: clients.saturating_add(16),
            connect: Duration::from_secs(15),
            client_idle: Duration::from_secs(15 * 60),
            client_half_closed: Duration::from_secs(90),
            client_total: Duration::from_secs(80 * 60),
            operation: Duration::from_secs(60),
            kms_total: Duration::from_secs(30),
            kms_bytes: 1 << 20,
            grace: Duration::from_secs(3),
        }
    }

    /// The most descriptors that these connections need: two per relay, three per operation (socket, file, folder), one
    /// per refused client, and a reserve for listeners and files.
    pub fn descriptors(&self) -> u64 {
        let relays = self.clients.saturating_add(self.kms).saturating_mul(2);
        let all = relays.saturating_add(self.operations.saturating_mul(3));
        all.saturating_add(2 * LINGERING).saturating_add(64) as u64
    }

    /// How many seconds a client is told to wait if there is no place: one, and one more for each time that all
    /// sessions of the enclave must end before those are served who are here now.
    pub(crate) fn busy_seconds(&self) -> u16 {
        u16::try_from(1 + self.clients / self.sessions.max(1)).unwrap_or(u16::MAX)
    }
}

/// A quarter of the clients who are served at once, so that no one address takes all places.
fn default_per_address(clients: usize) -> usize {
    (clients.min(SESSIONS) / 4).max(1)
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self::for_clients(256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enclave_has_more_places_than_the_parent_takes() {
        let limits = ServiceLimits::default();
        assert!(limits.sessions < capelet_core::MAX_SESSIONS);
        // No one address takes all of them.
        assert!(limits.per_address.is_some_and(|most| most < limits.sessions));
    }

    #[test]
    fn a_client_is_told_to_wait_for_as_long_as_the_others_need() {
        for (clients, seconds) in [(1, 1), (55, 1), (56, 2), (256, 5), (usize::MAX - 1, u16::MAX)] {
            assert_eq!(ServiceLimits::for_clients(clients).busy_seconds(), seconds, "{clients}");
        }
    }
}
