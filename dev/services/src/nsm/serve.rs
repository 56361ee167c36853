//! The NSM on a Unix socket: u32be length ‖ request, u32be length ‖ response, as often as one likes.

use super::{MAX_REQUEST, Nsm};
use crate::frame::{read_frame_begun, write_frame};
use crate::net::{Listener, Stream};
use crate::service::each;
use std::io::{self, Read};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The most connections at once; more are closed.
const CONNECTIONS: usize = 64;
/// How long a frame that has begun may take.
const FRAME: Duration = Duration::from_secs(10);

/// Serves for ever. Whoever can open the socket has documents signed, as with `/dev/nsm`: its directory guards it.
pub fn serve(listener: UnixListener, nsm: Arc<Nsm>) {
    each(&Listener::Unix(listener), CONNECTIONS, &AtomicBool::new(false), move |stream| {
        // A connection that breaks is the enclave's business.
        let _ = converse(stream, &nsm);
    });
}

fn converse(mut stream: Stream, nsm: &Nsm) -> io::Result<()> {
    let mut first = [0];
    loop {
        // Between requests a descriptor of the NSM may rest as long as it likes.
        stream.set_timeout(None)?;
        if stream.read(&mut first)? == 0 {
            return Ok(());
        }
        stream.set_timeout(Some(FRAME))?;
        let request = read_frame_begun(&mut stream, first[0], MAX_REQUEST)?;
        write_frame(&mut stream, &nsm.answer(&request))?;
    }
}
