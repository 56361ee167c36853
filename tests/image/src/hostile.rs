//! A hostile parent: it answers an enclave that boots as the test decides.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// The handler of one connection.
pub type Handler = fn(&mut UnixStream);

/// Answers the heartbeat. Each operation goes to `operation`. If it is `None`, no operation gets an answer, because
/// nobody listens.
pub fn serve(folder: &Path, operation: Option<Handler>) {
    listen(folder, 9000, |stream| {
        let mut beat = [0];
        stream.read_exact(&mut beat).unwrap();
        stream.write_all(&beat).unwrap();
    });
    if let Some(operation) = operation {
        listen(folder, 8000, operation);
    }
}

/// A frame: the length as four big-endian bytes, and then the bytes.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// Listens for connections of the guest to this port.
fn listen(folder: &Path, port: u32, handler: Handler) {
    let listener = UnixListener::bind(folder.join(format!("vsock_{port}"))).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || handler(&mut stream));
        }
    });
}
