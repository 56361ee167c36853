//! Serving connections, each in a thread, not too many.

use crate::Error;
use crate::net::{Address, Listener, Stream};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Handles each connection in a thread, at most `limit` at once (more are closed), until `stop`.
pub fn each(listener: &Listener, limit: usize, stop: &AtomicBool, handle: impl Fn(Stream) + Send + Sync + 'static) {
    let (handle, running) = (Arc::new(handle), Arc::new(AtomicUsize::new(0)));
    while !stop.load(Ordering::SeqCst) {
        let Ok(stream) = listener.accept() else {
            // Out of descriptors, or a connection that was given up: neither ends the service.
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

/// Counts a thread out, a panicking one too.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A listener that serves in a thread of its own and stops when dropped; running connections end by themselves.
#[derive(Debug)]
pub struct Service {
    address: Address,
    stop: Arc<AtomicBool>,
}

impl Service {
    /// Starts to serve, as [`each`] does.
    pub fn start(
        listener: Listener,
        limit: usize,
        handle: impl Fn(Stream) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let (address, stop) = (listener.address()?, Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        thread::spawn(move || each(&listener, limit, &stopped, handle));
        Ok(Self { address, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The accept that waits is woken; if that fails, it waits for the next connection.
        drop(self.address.connect());
    }
}

/// Copies one direction of a connection, through `each`, and passes its end on.
pub fn pump(mut from: Stream, mut to: Stream, mut each: impl FnMut(&[u8]) -> io::Result<()>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if each(&buffer[..read]).is_err() || to.write_all(&buffer[..read]).is_err() {
            // What cannot be handed on is not read any more, so that the sender learns of it.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
