//! The parent as a whole: how it starts, and how it stops.

use crate::address::{Address, Transport, qemu_socket};
use crate::address_limit::AddressLimit;
use crate::busy::Refuser;
use crate::connection_limit::ConnectionLimit;
use crate::counters::Counters;
use crate::enclave_places::EnclavePlaces;
use crate::listen::Listener;
use crate::services::service::{ClientLimits, Context, Served, Service};
use crate::services::{accept, client, heartbeat, kms, storage};
use crate::shutdown_signal::ShutdownSignal;
use crate::stream::Stream;
use crate::{Error, KmsRoute, Region, Settings};
use capelet_abi::{HEARTBEAT_PORT, KMS_PORT, OPERATIONS_PORT};
use capelet_cli::private_file::{CHANGED_BY_OTHERS, check};
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long connections have to end after the shutdown signal is set.
const LAST: Duration = Duration::from_secs(1);

/// How many heartbeats are served at once. One is expected. When an enclave restarts, the previous one may still be
/// open.
const HEARTBEATS: usize = 4;

/// A running parent. Dropping it closes every connection at once; [`Parent::stop`] lets transfers finish.
pub struct Parent {
    context: Arc<Context>,
    /// Set when no more clients are accepted.
    drain: Arc<ShutdownSignal>,
    /// Each service with the threads of its accept loops.
    services: Vec<(Arc<Service>, Vec<JoinHandle<()>>)>,
    addresses: Vec<Address>,
}

impl Parent {
    /// Binds every address and port, then serves on threads of its own: one per listener and one per connection.
    ///
    /// # Errors
    /// [`Error::NothingToListenOn`], [`Error::Limit`], [`Error::FileTooLarge`] and [`Error::KmsNotLocal`] for settings
    /// that are invalid, [`Error::Listen`] for an address that cannot be bound, [`Error::File`] and [`Error::NotPrivate`]
    /// for the folder of the enclave's sockets, [`Error::System`] if a thread or a
    /// socket pair cannot be made. After an error nothing runs.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        // Bind everything before serving anything, so that a failure has no effect that a client could see.
        let inner = listen_for_enclave(&settings.enclave)?;
        let mut outer = Vec::new();
        let mut addresses = Vec::new();
        for address in &settings.listen {
            let (listener, bound) = Listener::bind(address)?;
            outer.push(listener);
            addresses.push(bound);
        }
        let limits = settings.limits.clone();
        let (drain, shutdown) = (Arc::new(ShutdownSignal::new()?), Arc::new(ShutdownSignal::new()?));
        let clients = ClientLimits { addresses: AddressLimit::new(limits.per_address), refuser: Refuser::start()? };
        let places = EnclavePlaces::new(limits.sessions, limits.silence, limits.pass);
        let context = Arc::new(Context { settings, places, shutdown: Arc::clone(&shutdown) });
        let mut parent = Self { context, drain: Arc::clone(&drain), services: Vec::new(), addresses };
        parent.log_start();
        type Serve = fn(&Context, &Stream) -> Served;
        let service = |name, most, stop_accepting: &Arc<ShutdownSignal>, serve: Serve, clients| Service {
            name,
            limit: ConnectionLimit::new(most),
            clients,
            counters: Counters::default(),
            stop_accepting: Arc::clone(stop_accepting),
            serve,
        };
        parent.serve(service("client", limits.clients, &drain, client::serve, Some(clients)), outer)?;
        let operations = service("operation", limits.operations, &shutdown, storage::serve, None);
        parent.serve(operations, vec![inner.operations])?;
        parent.serve(service("kms", limits.kms, &shutdown, kms::serve, None), vec![inner.kms])?;
        let heartbeat = service("heartbeat", HEARTBEATS, &shutdown, heartbeat::serve, None);
        parent.serve(heartbeat, inner.heartbeat.into_iter().collect())?;
        Ok(parent)
    }

    /// Where clients connect. Port 0 in the settings is replaced by the port that the system chose.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Stops accepting clients, waits up to the grace of the settings for the connections to end, then closes the rest.
    pub fn stop(mut self) {
        let grace = self.context.settings.limits.grace;
        self.end(grace);
    }

    fn serve(&mut self, service: Service, listeners: Vec<Listener>) -> Result<(), Error> {
        let service = Arc::new(service);
        let start = |listener| accept::start(listener, Arc::clone(&service), Arc::clone(&self.context));
        let threads = listeners.into_iter().map(start).collect::<Result<_, _>>()?;
        self.services.push((service, threads));
        Ok(())
    }

    fn log_start(&self) {
        let settings = &self.context.settings;
        let addresses: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
        let kms = match &settings.kms {
            KmsRoute::Regions(regions) => regions.iter().map(Region::host).collect(),
            KmsRoute::Development(address) => vec![format!("development {address}")],
        };
        settings.log.info(
            "serving",
            &[
                ("addresses", addresses.into()),
                ("enclave", settings.enclave.to_string().into()),
                ("store", settings.store.folder().display().to_string().into()),
                ("kms", kms.into()),
                ("clients", settings.limits.clients.into()),
                ("per_address", settings.limits.per_address.into()),
            ],
        );
    }

    /// Drains the clients first, because serving them needs operations and KMS.
    fn end(&mut self, grace: Duration) {
        let log = Arc::clone(&self.context.settings.log);
        let until = Instant::now() + grace;
        self.drain.set();
        let drain = Arc::clone(&self.drain);
        let drained = |service: &Service| Arc::ptr_eq(&service.stop_accepting, &drain);
        self.services.iter_mut().filter(|(service, _)| drained(service)).for_each(join);
        log.info("ending", &[]);
        let all_ended = self.services.iter().all(|(service, _)| service.limit.wait_until_idle(until));
        self.context.shutdown.set();
        self.services.iter_mut().for_each(join);
        let last = Instant::now() + LAST;
        for (service, _) in &self.services {
            service.limit.wait_until_idle(last);
            service.counters.log(&log, service.name);
        }
        log.info("ended", &[("cut_off", (!all_ended).into())]);
        log.flush(LAST);
    }
}

/// Waits until the accept loops have ended. The caller has set their signal.
fn join((_, threads): &mut (Arc<Service>, Vec<JoinHandle<()>>)) {
    for thread in threads.drain(..) {
        // An error means that the thread panicked, and it has ended in that case too.
        let _ = thread.join();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        if !self.context.shutdown.is_set() {
            self.end(Duration::ZERO);
        }
    }
}

/// The listeners for the enclave.
struct Inner {
    operations: Listener,
    kms: Listener,
    heartbeat: Option<Listener>,
}

fn listen_for_enclave(transport: &Transport) -> Result<Inner, Error> {
    let port = |port| match transport {
        Transport::Unix(folder) => Listener::unix(&folder.join(u32::to_string(&port))),
        Transport::Vsock(cid) => Listener::vsock(*cid, port),
        Transport::Qemu(path) => Listener::qemu(&qemu_socket(path, port)),
    };
    if let Transport::Unix(folder) = transport {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::Listen { address: folder.display().to_string(), source });
            }
            _ => {}
        }
        // Anyone who can put sockets there can pose as the enclave, and as the parent towards the enclave.
        let metadata = fs::metadata(folder).map_err(|source| Error::File { path: folder.clone(), source })?;
        check(&metadata, CHANGED_BY_OTHERS).map_err(|why| Error::NotPrivate { path: folder.clone(), why })?;
    }
    Ok(Inner {
        operations: port(OPERATIONS_PORT)?,
        kms: port(KMS_PORT)?,
        heartbeat: match transport {
            Transport::Qemu(_) => Some(port(HEARTBEAT_PORT)?),
            Transport::Unix(_) | Transport::Vsock(_) => None,
        },
    })
}
