//! An enclave's address: `capelet://HOST[:PORT]` over TCP, or `unix:/PATH`.

use crate::error::Error;
use capelet_abi::CLIENT_PORT;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The default port: the number of the enclave's vsock port for clients.
pub const PORT: u16 = CLIENT_PORT as u16;

/// An address. Equal addresses have equal text forms, because trust entries are found by the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Url {
    /// A host in lower case, without brackets, and a port.
    Tcp(String, u16),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl Url {
    /// Whether the address can belong to this machine: a socket, a loopback address, or a name, which may resolve to one.
    pub fn may_be_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host, _) => host.parse::<IpAddr>().map_or(true, |address| address.is_loopback()),
        }
    }

    /// Parses an address.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadUrl(text.chars().take(200).collect());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = Path::new(path);
            let plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
            return if plain { Ok(Self::Unix(path.components().collect())) } else { Err(bad()) };
        }
        let rest = text.strip_prefix("capelet://").ok_or_else(bad)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(bad)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
                (host, port)
            }
            None => rest.find(':').map_or((rest, ""), |at| rest.split_at(at)),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => PORT,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| bad())?,
            _ => return Err(bad()),
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
        if host.is_empty() || host.len() > 253 || port == 0 || !host.bytes().all(allowed) {
            return Err(bad());
        }
        Ok(Self::Tcp(host.to_ascii_lowercase(), port))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "capelet://[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "capelet://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_equal_addresses_one_form() {
        let cases = [
            ("capelet://Example.ORG", "capelet://example.org:5000"),
            ("capelet://example.org:7/", "capelet://example.org:7"),
            ("capelet://[::1]", "capelet://[::1]:5000"),
            ("capelet://[::1]:80", "capelet://[::1]:80"),
            ("capelet://127.0.0.1:6000", "capelet://127.0.0.1:6000"),
            ("unix:/run//x/./enclave.sock", "unix:/run/x/enclave.sock"),
        ];
        for (text, form) in cases {
            let url = Url::parse(text).unwrap();
            assert_eq!(url.to_string(), form);
            assert_eq!(Url::parse(form).unwrap(), url);
        }
    }

    #[test]
    fn rejects_invalid_addresses() {
        for text in [
            "",
            "example.org",
            "http://example.org",
            "capelet://",
            "capelet://:1",
            "capelet://a:0",
            "capelet://a:65536",
            "capelet://a:",
            "capelet://a:+1",
            "capelet://a:1:2",
            "capelet://[x]",
            "capelet://[::1",
            "capelet://[::1]x",
            "capelet://a/b",
            "capelet://u@a",
            "unix:",
            "unix:relative",
            "unix:/a/../b",
            "capelet://a b",
            "capelet:// a",
        ] {
            assert_eq!(Url::parse(text).unwrap_err().code(), "bad-url", "{text}");
        }
    }
}
