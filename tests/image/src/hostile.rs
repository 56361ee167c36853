//! A parent that answers an enclave's boot with whatever a test wants.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// What happens to each connection of the enclave's for an operation.
pub type Answer = fn(&mut UnixStream);

/// Answers the heartbeat, and operations by `answer`; without one nobody listens for them.
pub fn serve(folder: &Path, answer: Option<Answer>) {
    listen(folder, 9000, |stream| {
        let mut beat = [0];
        stream.read_exact(&mut beat).unwrap();
        stream.write_all(&beat).unwrap();
    });
    if let Some(answer) = answer {
        listen(folder, 8000, answer);
    }
}

/// One frame: the length, the bytes.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn listen(folder: &Path, port: u32, serve: Answer) {
    let listener = UnixListener::bind(folder.join(format!("vsock_{port}"))).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || serve(&mut stream));
        }
    });
}
