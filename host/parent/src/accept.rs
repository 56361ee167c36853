//! Accepting: a thread per listener, and one per connection that found a place.

use crate::Error;
use crate::bell::Bell;
use crate::counters::Counters;
use crate::listen::{Accepted, Listener};
use crate::parent::Context;
use crate::slots::Slots;
use crate::stream::Stream;
use nix::poll::PollFlags;
use serde_json::Value;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// A connection's stack, in bytes; its buffers are elsewhere. The resolver needs most of it.
const STACK: usize = 256 * 1024;
/// How long accepting rests after it failed (mostly for want of descriptors).
const REST: Duration = Duration::from_millis(50);

/// One of the things that the parent does for those who connect.
pub(crate) struct Service {
    /// Its name in the log.
    pub name: &'static str,
    /// Its places.
    pub slots: Arc<Slots>,
    pub counters: Counters,
    /// What ends the accepting.
    pub ends: Arc<Bell>,
    /// Serves one connection to its end.
    pub serve: fn(&Context, &Stream) -> Served,
}

/// What serving a connection came to.
pub(crate) struct Served {
    /// For the log.
    pub fields: Vec<(&'static str, Value)>,
    /// Bytes in.
    pub up: u64,
    /// Bytes out.
    pub down: u64,
    /// How it ended.
    pub end: Result<(), Error>,
}

/// Starts to accept; ends when the service's bell rings.
pub(crate) fn start(listener: Listener, service: Arc<Service>, context: Arc<Context>) -> Result<JoinHandle<()>, Error> {
    let accept = move || {
        loop {
            match service.ends.wait([Some((listener.as_fd(), PollFlags::POLLIN))], None) {
                Err(Error::Stopping) => return,
                Err(error) => rest(&service, &context, &error),
                Ok(_) => match listener.accept() {
                    Ok(Some(accepted)) => admit(accepted, &service, &context),
                    Ok(None) => {}
                    Err(error) => rest(&service, &context, &error),
                },
            }
        }
    };
    Builder::new().stack_size(STACK).spawn(accept).map_err(Error::System)
}

fn rest(service: &Service, context: &Context, error: &Error) {
    context.settings.log.warn("accept", &[("service", service.name.into()), ("error", error.to_string().into())]);
    // An error here is the time that passed, or the bell, which the caller hears as well.
    let _ = service.ends.wait([], Some(Instant::now() + REST));
}

/// Serves the connection on a thread of its own, or closes it.
fn admit(accepted: Accepted, service: &Arc<Service>, context: &Arc<Context>) {
    let log = &context.settings.log;
    let slot = match service.slots.take() {
        Ok(slot) => slot,
        Err(full) => {
            Counters::add(&service.counters.refused, 1);
            if full.first {
                log.warn("full", &[("service", service.name.into()), ("peer", accepted.peer.into())]);
            }
            return;
        }
    };
    let (service, context) = (Arc::clone(service), Arc::clone(context));
    let serve = move || {
        serve(accepted, &service, &context);
        drop(slot);
    };
    if let Err(error) = Builder::new().stack_size(STACK).spawn(serve) {
        log.warn("thread", &[("error", error.to_string().into())]);
    }
}

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
