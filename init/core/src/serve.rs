//! Accepting clients: one thread each, limited in number and in time.

use crate::enclave_platform::EnclavePlatform;
use crate::tls::Tls;
use crate::transport::Listener;
use enclave_core::Boot;
use enclave_core::session;
use rustls::ServerConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The most sessions at a time. A further connection is closed.
pub const MAX_SESSIONS: usize = 64;

/// Serves clients for as long as the listener exists.
pub(crate) fn serve(platform: &Arc<EnclavePlatform>, boot: &Arc<Boot>, tls: &Arc<ServerConfig>, listener: &Listener) {
    let sessions = Arc::new(AtomicUsize::new(0));
    loop {
        let socket = match listener.accept() {
            Ok(socket) => socket,
            Err(_) => {
                // The process has no free descriptor, or the client is gone already. Neither ends the enclave.
                thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        let Some(slot) = SessionSlot::take(&sessions) else { continue };
        let (platform, boot, tls) = (platform.clone(), boot.clone(), tls.clone());
        let session = move || {
            let _slot = slot;
            let Ok(mut connection) = Tls::accept(&tls, socket) else { return };
            // The end of the connection tells the client how it ended. The parent need not know.
            let _ = session::serve(platform.as_ref(), &boot, &mut connection);
            connection.close();
        };
        // Without a thread there is no session: dropping the closure closes the connection.
        let _ = thread::Builder::new().name("session".into()).spawn(session);
    }
}

/// One of [`MAX_SESSIONS`] slots. It is given back when dropped.
struct SessionSlot(Arc<AtomicUsize>);

impl SessionSlot {
    fn take(sessions: &Arc<AtomicUsize>) -> Option<Self> {
        let taken =
            sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < MAX_SESSIONS).then_some(n + 1));
        taken.ok().map(|_| Self(sessions.clone()))
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
