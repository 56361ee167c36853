//! The accept loop: one thread per listener, and one thread per admitted connection.

use crate::Error;
use crate::address_limit::AddressPermit;
use crate::connection_limit::{ConnectionPermit, LimitReached};
use crate::counters::Counters;
use crate::listen::{Accepted, Listener, Waiting};
use crate::services::service::{Context, Service};
use nix::poll::PollFlags;
use serde_json::Value;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// The stack of a connection's thread, in bytes. The resolver needs most of it. Buffers are on the heap.
const STACK: usize = 256 * 1024;
/// How long the accept loop pauses after an error. The usual error is that no descriptor is free.
const PAUSE: Duration = Duration::from_millis(50);

/// Starts the accept loop of one listener. It ends when `service.stop_accepting` is set.
pub(crate) fn start(listener: Listener, service: Arc<Service>, context: Arc<Context>) -> Result<JoinHandle<()>, Error> {
    let accept = move || {
        loop {
            match service.stop_accepting.wait([Some((listener.as_fd(), PollFlags::POLLIN))], None) {
                Err(Error::Stopping) => return,
                Err(error) => pause(&service, &context, &error),
                Ok(_) => match listener.accept() {
                    Ok(Waiting::Connection(accepted)) => admit(accepted, &service, &context),
                    // Without a pause, because strangers must not delay the enclave.
                    Ok(Waiting::Stranger(cid)) => count_stranger(cid, &service, &context),
                    Ok(Waiting::Nothing) => {}
                    Err(error) => pause(&service, &context, &error),
                },
            }
        }
    };
    Builder::new().stack_size(STACK).spawn(accept).map_err(Error::System)
}

fn pause(service: &Service, context: &Context, error: &Error) {
    context.settings.log.warn("accept", &[("service", service.name.into()), ("error", error.to_string().into())]);
    // This always returns an error: the deadline, or the signal. The caller sees the signal in its next round.
    let _ = service.stop_accepting.wait([], Some(Instant::now() + PAUSE));
}

/// Counts a connection that the listener closed. The log mentions the first of each service.
fn count_stranger(cid: u32, service: &Service, context: &Context) {
    if Counters::add(&service.counters.strangers, 1) == 0 {
        let error = Error::Stranger(cid).to_string();
        context.settings.log.warn("stranger", &[("service", service.name.into()), ("error", error.into())]);
    }
}

/// Serves the connection on a new thread. If the service or the source address is at its limit, the connection is
/// refused.
fn admit(accepted: Accepted, service: &Arc<Service>, context: &Arc<Context>) {
    let log = &context.settings.log;
    let Some(permits) = permits(&accepted, service, context) else {
        Counters::add(&service.counters.refused, 1);
        if let Some(clients) = &service.clients {
            clients.refuser.refuse(accepted.stream, context.settings.limits.busy_seconds());
        }
        return;
    };
    let (service, context) = (Arc::clone(service), Arc::clone(context));
    let serve = move || {
        serve(accepted, &service, &context);
        drop(permits);
    };
    if let Err(error) = Builder::new().stack_size(STACK).spawn(serve) {
        log.warn("thread", &[("error", error.to_string().into())]);
    }
}

/// Counts the connection towards the limits. `None` if one is reached. The log mentions the first connection that is
/// above the limit of the service, and the first of each address.
fn permits(
    accepted: &Accepted,
    service: &Service,
    context: &Context,
) -> Option<(ConnectionPermit, Option<AddressPermit>)> {
    let full = |limit: &str, reached: &LimitReached| {
        if reached.first {
            let fields = [("service", service.name), ("limit", limit), ("peer", &accepted.peer)];
            context.settings.log.warn("full", &fields.map(|(name, value)| (name, value.into())));
        }
    };
    let address = service.clients.as_ref().map(|clients| clients.addresses.admit(accepted.from));
    let address = address.transpose().inspect_err(|reached| full("per-address", reached)).ok()?;
    let permit = service.limit.admit().inspect_err(|reached| full("connections", reached)).ok()?;
    Some((permit, address))
}

/// Serves one connection, counts it, and logs one event about it.
fn serve(accepted: Accepted, service: &Service, context: &Context) {
    let began = Instant::now();
    let served = (service.serve)(context, &accepted.stream);
    let counters = &service.counters;
    Counters::add(&counters.served, 1);
    Counters::add(&counters.up, served.up);
    Counters::add(&counters.down, served.down);
    let mut fields = vec![("peer", Value::from(accepted.peer))];
    fields.extend(served.fields);
    fields.extend([
        ("up", served.up.into()),
        ("down", served.down.into()),
        ("milliseconds", u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).into()),
    ]);
    if let Err(error) = &served.end {
        Counters::add(&counters.failed, 1);
        fields.extend([("code", error.code().into()), ("error", error.to_string().into())]);
        return context.settings.log.warn(service.name, &fields);
    }
    context.settings.log.info(service.name, &fields);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_limit::AddressLimit;
    use crate::busy::Refuser;
    use crate::connection_limit::ConnectionLimit;
    use crate::enclave_places::EnclavePlaces;
    use crate::services::service::{ClientLimits, Served};
    use crate::shutdown_signal::ShutdownSignal;
    use crate::stream::{Stream, Until};
    use crate::{CredentialSource, KmsRoute, Log, ServiceLimits, Settings, Store};
    use capelet_cli::format::Format;
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::sync::atomic::Ordering;

    /// Longer than anything here takes. With a pause after each stranger the first test would take longer.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn context(folder: &Path) -> Arc<Context> {
        let limits = ServiceLimits::for_clients(8);
        Arc::new(Context {
            places: EnclavePlaces::new(limits.sessions, limits.silence, limits.pass),
            settings: Settings {
                listen: Vec::new(),
                enclave: "unix:nowhere".parse().unwrap(),
                store: Arc::new(Store::open(&folder.join("store")).unwrap()),
                kms: KmsRoute::Regions(Vec::new()),
                credentials: CredentialSource::None,
                configuration: Vec::new(),
                deployers: None,
                limits,
                log: Log::to(Format::Json, Box::new(std::io::sink())).unwrap(),
            },
            shutdown: Arc::new(ShutdownSignal::new().unwrap()),
        })
    }

    /// A service that waits until the other side closes.
    fn service(clients: Option<ClientLimits>) -> Arc<Service> {
        fn serve(context: &Context, stream: &Stream) -> Served {
            stream.wait_for_end(Until { deadline: Instant::now() + PATIENCE, shutdown: &context.shutdown });
            Served::new(Ok(()))
        }
        Arc::new(Service {
            name: "test",
            limit: ConnectionLimit::new(8),
            clients,
            counters: Counters::default(),
            stop_accepting: Arc::new(ShutdownSignal::new().unwrap()),
            serve,
        })
    }

    #[test]
    fn another_enclaves_connections_do_not_delay_the_enclave() {
        const STRANGERS: usize = 2000;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("port");
        let (context, service) = (context(folder.path()), service(None));
        let listener = Listener::with_strangers(&path, STRANGERS);
        let accepting = start(listener, Arc::clone(&service), Arc::clone(&context)).unwrap();
        let began = Instant::now();
        // The last one is the enclave's.
        for _ in 0..=STRANGERS {
            drop(UnixStream::connect(&path).unwrap());
        }
        while service.counters.served.load(Ordering::Relaxed) == 0 {
            assert!(began.elapsed() < PATIENCE, "the enclave is not served");
            std::thread::sleep(Duration::from_millis(5));
        }
        service.stop_accepting.set();
        accepting.join().unwrap();
        assert_eq!(service.counters.strangers.load(Ordering::Relaxed), STRANGERS as u64);
    }

    #[test]
    fn an_address_with_too_many_connections_is_told_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let clients = ClientLimits { addresses: AddressLimit::new(Some(1)), refuser: Refuser::start().unwrap() };
        let (context, service) = (context(folder.path()), service(Some(clients)));
        let connect = |from: &str| {
            let (ours, theirs) = UnixStream::pair().unwrap();
            theirs.set_read_timeout(Some(PATIENCE)).unwrap();
            let stream = Stream::unix(ours).unwrap();
            admit(Accepted { stream, peer: from.into(), from: Some(from.parse().unwrap()) }, &service, &context);
            theirs
        };
        let _first = connect("192.0.2.1");
        let mut line = String::new();
        connect("192.0.2.1").read_to_string(&mut line).unwrap();
        assert_eq!(line, "capelet/1 busy 1\n");
        // Another address is served: this service sends nothing, and so no line either.
        let other = connect("192.0.2.2");
        other.set_nonblocking(true).unwrap();
        assert!((&other).read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    }
}
