//! Accepting clients: one thread each, limited in number and in time.

use crate::enclave_platform::EnclavePlatform;
use crate::sessions::Sessions;
use crate::tls::Tls;
use crate::transport::Listener;
use enclave_core::Boot;
use enclave_core::session;
use rustls::ServerConfig;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Serves clients for as long as the listener exists.
pub(crate) fn serve(platform: &Arc<EnclavePlatform>, boot: &Arc<Boot>, tls: &Arc<ServerConfig>, listener: &Listener) {
    let sessions = Sessions::new();
    loop {
        let socket = match listener.accept() {
            Ok(socket) => Arc::new(socket),
            Err(_) => {
                // The process has no free descriptor, or the client is gone already. Neither ends the enclave.
                thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        // Without a place the connection is closed.
        let Some(place) = sessions.take(&socket) else { continue };
        let (platform, boot, tls) = (platform.clone(), boot.clone(), tls.clone());
        let taken = place.clone();
        let session = move || {
            let Ok(mut connection) = Tls::accept(&tls, socket, place.clone()) else { return place.give_back() };
            // The end of the connection tells the client how it ended. The parent need not know.
            let _ = session::serve(platform.as_ref(), &boot, &mut connection);
            connection.close();
            place.give_back();
        };
        // Without a thread there is no session. Nothing holds the socket then, which closes the connection.
        if thread::Builder::new().name("session".into()).spawn(session).is_err() {
            taken.give_back();
        }
    }
}
