//! The accept loop: one thread per listener, and one thread per admitted connection.

use crate::Error;
use crate::counters::Counters;
use crate::listen::{Accepted, Listener};
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
                    Ok(Some(accepted)) => admit(accepted, &service, &context),
                    Ok(None) => {}
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

/// Serves the connection on a new thread. If the service is at its limit, it closes the connection.
fn admit(accepted: Accepted, service: &Arc<Service>, context: &Arc<Context>) {
    let log = &context.settings.log;
    let permit = match service.limit.admit() {
        Ok(permit) => permit,
        Err(reached) => {
            Counters::add(&service.counters.refused, 1);
            if reached.first {
                log.warn("full", &[("service", service.name.into()), ("peer", accepted.peer.into())]);
            }
            return;
        }
    };
    let (service, context) = (Arc::clone(service), Arc::clone(context));
    let serve = move || {
        serve(accepted, &service, &context);
        drop(permit);
    };
    if let Err(error) = Builder::new().stack_size(STACK).spawn(serve) {
        log.warn("thread", &[("error", error.to_string().into())]);
    }
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
