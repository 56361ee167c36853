//! The service for KMS: the enclave names a host, the parent decides whether it may be reached, and relays bytes.
//!
//! TLS with KMS ends in the enclave, so the parent cannot read or change what it relays.

use crate::relay::{Bounds, relay};
use crate::services::service::{Context, Served};
use crate::stream::{Stream, Until};
use crate::{Error, KmsRoute, connect, frames};
use std::time::Instant;

/// The longest host name, in bytes (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 255;
/// The port of the KMS endpoints.
const PORT: u16 = 443;

/// Reads the frame that names a host, connects, and relays until both sides have ended or a limit is reached.
pub(crate) fn serve(context: &Context, enclave: &Stream) -> Served {
    let mut served = Served::new(Ok(()));
    served.end = carry(context, enclave, &mut served);
    served
}

fn carry(context: &Context, enclave: &Stream, served: &mut Served) -> Result<(), Error> {
    let limits = &context.settings.limits;
    let deadline = Instant::now() + limits.kms_total;
    let until = Until { deadline, shutdown: &context.shutdown };
    let host = frames::read(enclave, MAX_HOST, until)?.ok_or(Error::Closed)?;
    let host = host_name(&host).ok_or(Error::Malformed)?;
    served.fields.push(("host", host.into()));
    let connecting = Until { deadline: deadline.min(Instant::now() + limits.connect), ..until };
    let kms = reach(&context.settings.kms, host, connecting)?;
    let bounds = Bounds {
        idle: limits.kms_total,
        half_closed: limits.kms_total,
        deadline,
        bytes: limits.kms_bytes,
        session: None,
    };
    let carried = relay(enclave, &kms, &bounds, &context.shutdown);
    (served.up, served.down) = (carried.forth, carried.back);
    carried.end
}

/// Connects to the host if the route allows it.
fn reach(route: &KmsRoute, host: &str, until: Until<'_>) -> Result<Stream, Error> {
    match route {
        KmsRoute::Regions(regions) if regions.iter().any(|region| region.host() == host) => {
            connect::host(host, PORT, until)
        }
        KmsRoute::Regions(_) => Err(Error::HostNotAllowed),
        KmsRoute::Development(address) => connect::address(address, until),
    }
}

/// The frame as a host name. Its characters are safe to log.
fn host_name(frame: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(frame).ok().filter(|name| !name.is_empty())?;
    name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_host_names_that_are_safe_to_log() {
        assert_eq!(host_name(b"kms.eu-central-1.amazonaws.com"), Some("kms.eu-central-1.amazonaws.com"));
        for frame in [&b""[..], b"a b", b"A", b"a\x7f", b"a\n", b"\xff", "ä".as_bytes()] {
            assert_eq!(host_name(frame), None);
        }
    }
}
