//! A service that handles each connection in a thread of its own, with a limit on their number.

use crate::Error;
use crate::net::{Address, Listener, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Handles each connection in a thread until `stop` is set. At most `limit` run at once. Further connections are
/// closed.
pub fn serve_each(
    listener: &Listener,
    limit: usize,
    stop: &AtomicBool,
    handle: impl Fn(Stream) + Send + Sync + 'static,
) {
    let (handle, running) = (Arc::new(handle), Arc::new(AtomicUsize::new(0)));
    while !stop.load(Ordering::SeqCst) {
        let Ok(stream) = listener.accept() else {
            // No descriptor was free, or the client gave up. Neither ends the service.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if stop.load(Ordering::SeqCst) || running.load(Ordering::SeqCst) >= limit {
            continue;
        }
        running.fetch_add(1, Ordering::SeqCst);
        let (handle, guard) = (handle.clone(), Running(running.clone()));
        thread::spawn(move || {
            handle(stream);
            drop(guard);
        });
    }
}

/// Counts a thread as ended when it is dropped, also if the thread panics.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A service that accepts connections in a thread of its own.
///
/// It stops to accept when this value is dropped. Open connections end by themselves.
#[derive(Debug)]
pub struct Service {
    address: Address,
    stop: Arc<AtomicBool>,
}

impl Service {
    /// Starts to call `handle` for each connection, in a thread of its own. At most `limit` run at once. Further
    /// connections are closed.
    ///
    /// # Errors
    /// [`Error::Connection`] or [`Error::Address`] if the listener has no address.
    pub fn start(
        listener: Listener,
        limit: usize,
        handle: impl Fn(Stream) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let (address, stop) = (listener.address()?, Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        thread::spawn(move || serve_each(&listener, limit, &stopped, handle));
        Ok(Self { address, stop })
    }

    /// The address at which it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // This connection ends the pending accept. If it fails, the thread ends at the next connection.
        drop(self.address.connect());
    }
}
