//! The connections of the KMS: TLS, HTTP, signatures.

use super::emulator::{Caller, Kms};
use super::http::{Reader, Request};
use super::refusal::{Exception, Refusal};
use super::{sigv4, tls};
use crate::net::{Listener, Stream};
use crate::service::Service;
use crate::{Error, date};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use rustls::{ServerConnection, StreamOwned};
use serde_json::Value;
use std::io::{self, Cursor, ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// The largest number of connections at once.
const CONNECTIONS: usize = 256;
/// The largest number of requests of one connection.
const REQUESTS: usize = 1000;
/// The timeout of one read and of one write.
const SILENCE: Duration = Duration::from_secs(60);

impl Kms {
    /// Serves in a thread of its own, until the returned value is dropped.
    ///
    /// # Errors
    /// The errors of [`Service::start`].
    pub fn serve(self: &Arc<Self>, listener: Listener) -> Result<Service, Error> {
        let kms = self.clone();
        Service::start(listener, CONNECTIONS, move |stream| {
            // A broken connection ends. The client sees it too.
            let _ = kms.converse(stream);
        })
    }

    fn converse(&self, stream: Stream) -> io::Result<()> {
        stream.set_timeout(Some(SILENCE))?;
        let connection = ServerConnection::new(self.tls.config.clone()).map_err(io::Error::other)?;
        let mut reader = Reader::new(StreamOwned::new(connection, stream));
        for _ in 0..REQUESTS {
            let Some(request) = reader.request()? else { break };
            let host = reader.stream().conn.server_name().ok_or(ErrorKind::InvalidData)?.to_string();
            let closes = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            self.respond(&request, &host, reader.stream())?;
            if closes {
                break;
            }
        }
        reader.stream().conn.send_close_notify();
        reader.stream().flush()
    }

    /// Answers the bytes of one request with the bytes of a response, as on a connection for `host`, but without TLS.
    ///
    /// A test that runs the KMS in its own process uses this.
    ///
    /// # Errors
    /// [`Error::Connection`] if the bytes are not a request.
    pub fn exchange(&self, host: &str, request: &[u8]) -> Result<Vec<u8>, Error> {
        let request = Reader::new(Cursor::new(request.to_vec())).request()?;
        let request = request.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
        let mut response = Vec::new();
        self.respond(&request, host, &mut response)?;
        Ok(response)
    }

    fn respond(&self, request: &Request, host: &str, to: &mut impl io::Write) -> io::Result<()> {
        let (status, body) = match self.answer(request, host) {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        write(to, status, &body, self.clock.now().map_err(io::Error::other)?)
    }

    fn answer(&self, request: &Request, host: &str) -> Result<Value, Refusal> {
        let unknown = || Refusal::new(Exception::UnknownOperation, "");
        let region = tls::region_of(host).ok_or_else(unknown)?;
        if request.method != "POST" || request.path != "/" {
            return Err(unknown());
        }
        let target = request.header("x-amz-target").and_then(|target| target.strip_prefix("TrentService."));
        let operation = target.ok_or_else(unknown)?;
        if request.header("content-type") != Some("application/x-amz-json-1.1") {
            return Err(unknown());
        }
        let principal = sigv4::verify(request, host, region, self.now()?)?;
        match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => self.call(Caller { principal, region }, operation, &body),
            _ => Err(Refusal::new(Exception::Serialization, "")),
        }
    }
}

fn write(stream: &mut impl io::Write, status: u16, body: &Value, now: u64) -> io::Result<()> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(io::Error::other)?;
    let (id, date) = (HEXLOWER.encode(&id), date::http_date(now));
    let (body, reason) = (body.to_string(), if status == 200 { "OK" } else { "Error" });
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status} {reason}\r\nx-amzn-RequestId: {id}\r\nDate: {date}\r\n\
         Content-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes())?;
    stream.flush()
}
