//! The NSM on a Unix socket. A connection carries any number of requests and responses, each as a frame.

use super::security_module::{MAX_REQUEST, Nsm};
use crate::frame::{read_frame_begun, write_frame};
use crate::net::{Listener, Stream};
use crate::service::serve_each;
use std::io::{self, Read};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The largest number of connections at once. Further ones are closed.
const CONNECTIONS: usize = 64;
/// The time that a frame may take from its first byte.
const FRAME: Duration = Duration::from_secs(10);

/// Serves until the process ends.
///
/// Anyone who can open the socket can have documents signed, as with `/dev/nsm`. The directory of the socket must keep
/// others out.
pub fn serve(listener: UnixListener, nsm: Arc<Nsm>) {
    serve_each(&Listener::Unix(listener), CONNECTIONS, &AtomicBool::new(false), move |stream| {
        // A broken connection ends. The enclave can make another one.
        let _ = converse(stream, &nsm);
    });
}

fn converse(mut stream: Stream, nsm: &Nsm) -> io::Result<()> {
    let mut first = [0];
    loop {
        // The client may wait as long as it likes between two requests.
        stream.set_timeout(None)?;
        if stream.read(&mut first)? == 0 {
            return Ok(());
        }
        stream.set_timeout(Some(FRAME))?;
        let request = read_frame_begun(&mut stream, first[0], MAX_REQUEST)?;
        write_frame(&mut stream, &nsm.answer(&request))?;
    }
}
