//! The parent as a whole: started, running, stopped.

use crate::accept::{self, Served, Service};
use crate::address::{self, Address, Transport, qemu_socket};
use crate::bell::Bell;
use crate::counters::Counters;
use crate::listen::Listener;
use crate::slots::Slots;
use crate::stream::Stream;
use crate::{Error, Settings, clients, heartbeat, kms, operations};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long connections have to end after they were told to.
const LAST: Duration = Duration::from_secs(1);

/// Heartbeats at once: one is expected, and the last may not have closed yet when an enclave starts anew.
const HEARTBEATS: usize = 4;

/// What every connection needs.
pub(crate) struct Context {
    pub settings: Settings,
    /// Rings when all is to end at once.
    pub halting: Arc<Bell>,
}

/// A running parent. Dropped, it ends without waiting for anybody.
pub struct Parent {
    context: Arc<Context>,
    /// Rings when no more clients are let in.
    closing: Arc<Bell>,
    /// Each with the threads that accept for it.
    services: Vec<(Arc<Service>, Vec<JoinHandle<()>>)>,
    addresses: Vec<Address>,
}

impl Parent {
    /// Listens, and serves on threads of its own: one for each address, port and connection.
    ///
    /// # Errors
    /// What is wrong with the settings, or cannot be listened on; then nothing runs.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        // Everything is bound before anything is served.
        let inner = listen_for_enclave(&settings.enclave)?;
        let mut outer = Vec::new();
        let mut addresses = Vec::new();
        for address in &settings.listen {
            let (listener, bound) = Listener::bind(address)?;
            outer.push(listener);
            addresses.push(bound);
        }
        let limits = settings.limits.clone();
        let (closing, halting) = (Arc::new(Bell::new()?), Arc::new(Bell::new()?));
        let context = Arc::new(Context { settings, halting: Arc::clone(&halting) });
        let mut parent = Self { context, closing: Arc::clone(&closing), services: Vec::new(), addresses };
        parent.log_start();
        parent.serve("client", limits.clients, &closing, clients::serve, outer)?;
        parent.serve("operation", limits.operations, &halting, operations::serve, vec![inner.operations])?;
        parent.serve("kms", limits.kms, &halting, kms::serve, vec![inner.kms])?;
        let heartbeat = inner.heartbeat.into_iter().collect();
        parent.serve("heartbeat", HEARTBEATS, &halting, heartbeat::serve, heartbeat)?;
        Ok(parent)
    }

    /// Where clients connect, with the ports that the system chose.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Lets nobody in any more, gives those who are being served the time that the settings grant, then ends.
    pub fn stop(mut self) {
        let grace = self.context.settings.limits.grace;
        self.end(grace);
    }

    fn serve(
        &mut self,
        name: &'static str,
        most: usize,
        ends: &Arc<Bell>,
        serve: fn(&Context, &Stream) -> Served,
        listeners: Vec<Listener>,
    ) -> Result<(), Error> {
        let slots = Slots::new(most);
        let service = Arc::new(Service { name, slots, counters: Counters::default(), ends: Arc::clone(ends), serve });
        let start = |listener| accept::start(listener, Arc::clone(&service), Arc::clone(&self.context));
        let threads = listeners.into_iter().map(start).collect::<Result<_, _>>()?;
        self.services.push((service, threads));
        Ok(())
    }

    fn log_start(&self) {
        let settings = &self.context.settings;
        let addresses: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
        let kms = match &settings.kms {
            kms::Route::Regions(regions) => regions.iter().map(kms::Region::host).collect(),
            kms::Route::Development(address) => vec![format!("development {address}")],
        };
        settings.log.info(
            "serving",
            &[
                ("addresses", addresses.into()),
                ("enclave", settings.enclave.to_string().into()),
                ("store", settings.store.folder().display().to_string().into()),
                ("kms", kms.into()),
                ("clients", settings.limits.clients.into()),
            ],
        );
    }

    /// Clients first: what they are being served needs operations and KMS.
    fn end(&mut self, grace: Duration) {
        let log = Arc::clone(&self.context.settings.log);
        let until = Instant::now() + grace;
        self.closing.ring();
        let closing = Arc::clone(&self.closing);
        self.services.iter_mut().filter(|(service, _)| Arc::ptr_eq(&service.ends, &closing)).for_each(join);
        log.info("ending", &[]);
        let all_ended = self.services.iter().all(|(service, _)| service.slots.wait_until_empty(until));
        self.context.halting.ring();
        self.services.iter_mut().for_each(join);
        let last = Instant::now() + LAST;
        for (service, _) in &self.services {
            service.slots.wait_until_empty(last);
            service.counters.log(&log, service.name);
        }
        log.info("ended", &[("cut_off", (!all_ended).into())]);
    }
}

/// Waits until nobody is accepted any more. The threads end at their bell.
fn join((_, threads): &mut (Arc<Service>, Vec<JoinHandle<()>>)) {
    for thread in threads.drain(..) {
        // Had it panicked, it would have ended all the same.
        let _ = thread.join();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        if !self.context.halting.has_rung() {
            self.end(Duration::ZERO);
        }
    }
}

/// Where the enclave connects to.
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
    }
    Ok(Inner {
        operations: port(address::OPERATIONS)?,
        kms: port(address::KMS)?,
        heartbeat: match transport {
            Transport::Qemu(_) => Some(port(address::HEARTBEAT)?),
            Transport::Unix(_) | Transport::Vsock(_) => None,
        },
    })
}
