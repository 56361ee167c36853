//! The development NSM behind a Unix socket: u32be length ‖ the CBOR that the device takes.

use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use capelet_core::Nsm;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest response, in bytes: the device's limit.
const MAX_RESPONSE: usize = 12_288;
/// How long the NSM may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the development NSM.
pub struct Socket(Mutex<UnixStream>);

impl Socket {
    /// Connects to the development NSM at `path`.
    pub fn connect(path: &str) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(Mutex::new(stream)))
    }

    fn ask(&self, request: &Request) -> io::Result<Response> {
        let request = serde_cbor::to_vec(request).map_err(io::Error::other)?;
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&u32::try_from(request.len()).map_err(io::Error::other)?.to_be_bytes())?;
        stream.write_all(&request)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|length| *length <= MAX_RESPONSE);
        let mut response = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        stream.read_exact(&mut response)?;
        serde_cbor::from_slice(&response).map_err(io::Error::other)
    }
}

impl Nsm for Socket {
    fn process(&self, request: Request) -> Response {
        self.ask(&request).unwrap_or(Response::Error(ErrorCode::InternalError))
    }
}
