//! KMS: the enclave says which host, the parent decides whether, and carries bytes. TLS ends in the enclave.

use crate::accept::Served;
use crate::parent::Context;
use crate::relay::{Bounds, relay};
use crate::stream::{Stream, Until};
use crate::{Address, Error, connect, frames};
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

/// The longest host name, in bytes (RFC 1035, 2.3.4).
const MAX_HOST: usize = 255;
/// The port of KMS' endpoints.
const PORT: u16 = 443;

/// A region of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(String);

impl Region {
    /// The host of its KMS endpoint (AWS General Reference, "AWS Key Management Service endpoints and quotas").
    pub fn host(&self) -> String {
        let end = if self.0.starts_with("cn-") { ".cn" } else { "" };
        format!("kms.{}.amazonaws.com{end}", self.0)
    }
}

impl FromStr for Region {
    type Err = Error;

    /// `[a-z]{2}(-[a-z]+)+-[0-9]{1,2}`, as in the ARN of a key.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('-');
        let lower = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
        let number = |part: &str| matches!(part.len(), 1..=2) && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_region = text.len() <= 32
            && parts.next().is_some_and(|part| part.len() == 2 && lower(part))
            && parts.next_back().is_some_and(number)
            && parts.clone().count() > 0
            && parts.all(lower);
        if is_region { Ok(Self(text.into())) } else { Err(Error::Region(text.into())) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where KMS traffic may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the KMS endpoints of these regions, and nowhere else.
    Regions(Vec<Region>),
    /// All of it to a development KMS on this machine, whatever host is named.
    Development(Address),
}

impl Route {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Development(address) if !address.is_local() => Err(Error::KmsNotLocal(address.to_string())),
            _ => Ok(()),
        }
    }

    /// Whether credentials may be asked for in this region.
    pub(crate) fn serves(&self, region: &str) -> bool {
        match self {
            Self::Regions(regions) => regions.iter().any(|known| known.0 == region),
            Self::Development(_) => true,
        }
    }

    fn connect(&self, host: &str, until: Until<'_>) -> Result<Stream, Error> {
        match self {
            Self::Regions(regions) if regions.iter().any(|region| region.host() == host) => {
                connect::host(host, PORT, until)
            }
            Self::Regions(_) => Err(Error::HostNotAllowed),
            Self::Development(address) => connect::address(address, until),
        }
    }
}

pub(crate) fn serve(context: &Context, enclave: &Stream) -> Served {
    let mut served = Served { fields: vec![], up: 0, down: 0, end: Ok(()) };
    served.end = carry(context, enclave, &mut served);
    served
}

fn carry(context: &Context, enclave: &Stream, served: &mut Served) -> Result<(), Error> {
    let limits = &context.settings.limits;
    let deadline = Instant::now() + limits.kms_total;
    let until = Until { deadline, bell: &context.halting };
    let host = frames::read(enclave, MAX_HOST, until)?.ok_or(Error::Closed)?;
    let host = host_name(&host).ok_or(Error::Malformed)?;
    served.fields.push(("host", host.into()));
    let connecting = Until { deadline: deadline.min(Instant::now() + limits.connect), bell: &context.halting };
    let kms = context.settings.kms.connect(host, connecting)?;
    let bounds = Bounds { idle: limits.kms_total, half_closed: limits.kms_total, deadline, bytes: limits.kms_bytes };
    let carried = relay(enclave, &kms, &bounds, &context.halting);
    (served.up, served.down) = (carried.forth, carried.back);
    carried.end
}

/// The frame as a host name, which is safe to log.
fn host_name(frame: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(frame).ok().filter(|name| !name.is_empty())?;
    name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_their_hosts() {
        for (region, host) in [
            ("eu-central-1", "kms.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", "kms.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "kms.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(region.parse::<Region>().unwrap().host(), host);
        }
        for text in
            ["", "eu", "eu-1", "eu-central", "eu--1", "eu-central-100", "EU-central-1", "e-central-1", "eu-c.x-1"]
        {
            assert!(matches!(text.parse::<Region>(), Err(Error::Region(_))), "{text}");
        }
    }

    #[test]
    fn hosts_that_may_be_logged() {
        assert_eq!(host_name(b"kms.eu-central-1.amazonaws.com"), Some("kms.eu-central-1.amazonaws.com"));
        for frame in [&b""[..], b"a b", b"A", b"a\x7f", b"a\n", b"\xff", "ä".as_bytes()] {
            assert_eq!(host_name(frame), None);
        }
    }

    #[test]
    fn a_development_kms_is_on_this_machine() {
        assert!(Route::Development("127.0.0.1:1".parse().unwrap()).check().is_ok());
        assert!(Route::Development("unix:/x".parse().unwrap()).check().is_ok());
        for address in ["0.0.0.0:1", "192.0.2.1:443"] {
            assert!(matches!(Route::Development(address.parse().unwrap()).check(), Err(Error::KmsNotLocal(_))));
        }
    }
}
