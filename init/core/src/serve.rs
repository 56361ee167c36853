//! Accepting clients: one thread each, bounded in number and in time.

use crate::platform::Drivers;
use crate::tls::Tls;
use crate::transport::Listener;
use enclave_core::boot::Boot;
use enclave_core::session;
use rustls::ServerConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The most sessions at a time; a connection more is closed.
pub const MAX_SESSIONS: usize = 64;

/// Serves clients for as long as the listener lives.
pub fn serve(drivers: &Arc<Drivers>, boot: &Arc<Boot>, tls: &Arc<ServerConfig>, listener: &Listener) {
    let sessions = Arc::new(AtomicUsize::new(0));
    loop {
        let socket = match listener.accept() {
            Ok(socket) => socket,
            Err(_) => {
                // Out of descriptors, or the client is gone already: neither ends the enclave.
                thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        let place = Place::take(&sessions);
        let Some(place) = place else { continue };
        let (drivers, boot, tls) = (drivers.clone(), boot.clone(), tls.clone());
        let session = move || {
            let _place = place;
            let Ok(mut connection) = Tls::accept(&tls, socket) else { return };
            // However it ended, the client is told by its end; the parent need not know.
            let _ = session::serve(drivers.as_ref(), &boot, &mut connection);
            connection.close();
        };
        // No thread, no session: the connection is closed when it is dropped.
        let _ = thread::Builder::new().name("session".into()).spawn(session);
    }
}

/// A place among the sessions; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(sessions: &Arc<AtomicUsize>) -> Option<Self> {
        let taken =
            sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MAX_SESSIONS).then_some(n + 1));
        taken.ok().map(|_| Self(sessions.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
