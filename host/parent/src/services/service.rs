//! What a service is, and the contract between a service and the accept loop.
//!
//! The accept loop calls [`Service::serve`] once for each connection that it admits, on a thread of its own. `serve`
//! must return soon after [`Context::shutdown`] is set, and it must observe the limits of time in
//! [`Context::settings`]. The accept loop does not enforce either. It closes the connection when `serve` returns, logs
//! the result, and counts it.

use crate::address_limit::AddressLimit;
use crate::busy::Refuser;
use crate::connection_limit::ConnectionLimit;
use crate::counters::Counters;
use crate::enclave_places::EnclavePlaces;
use crate::shutdown_signal::ShutdownSignal;
use crate::stream::Stream;
use crate::{Error, Settings};
use serde_json::Value;
use std::sync::Arc;

/// What every connection of every service needs.
pub(crate) struct Context {
    pub settings: Settings,
    /// The clients whom the enclave serves.
    pub places: Arc<EnclavePlaces>,
    /// Set when every connection must end at once.
    pub shutdown: Arc<ShutdownSignal>,
}

/// One service of the parent.
pub(crate) struct Service {
    /// Its name in the log.
    pub name: &'static str,
    /// How many connections it serves at once.
    pub limit: Arc<ConnectionLimit>,
    /// What holds if its connections come from clients.
    pub clients: Option<ClientLimits>,
    pub counters: Counters,
    /// Set when the accept loop must stop. Connections that it has admitted continue.
    pub stop_accepting: Arc<ShutdownSignal>,
    /// Serves one connection until it ends.
    pub serve: fn(&Context, &Stream) -> Served,
}

/// What holds for the service that clients use.
pub(crate) struct ClientLimits {
    /// How many connections one source address has at once.
    pub addresses: Arc<AddressLimit>,
    /// Tells refused clients that there is no place. Other refused connections are closed.
    pub refuser: Refuser,
}

/// The result of one connection.
pub(crate) struct Served {
    /// Further fields of the log event.
    pub fields: Vec<(&'static str, Value)>,
    /// Bytes that were carried from the side that connected.
    pub up: u64,
    /// Bytes that were carried to the side that connected.
    pub down: u64,
    /// Whether the connection ended as it should.
    pub end: Result<(), Error>,
}

impl Served {
    /// A result without fields and without bytes.
    pub fn new(end: Result<(), Error>) -> Self {
        Self { fields: Vec::new(), up: 0, down: 0, end }
    }
}
