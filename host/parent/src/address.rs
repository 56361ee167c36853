//! Addresses of clients' listeners, and transports to the enclave.

use crate::Error;
use capelet_abi::PARENT_CID;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The CIDs that an enclave can have. 0 to 2 are the hypervisor, the machine itself and the host, and the last number
/// stands for any CID (vsock(7)). 3 is the parent, as an enclave sees it.
pub const ENCLAVE_CIDS: Range<u32> = PARENT_CID + 1..u32::MAX;

/// An address on which to listen, or to connect to: `IP:PORT` or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP. Port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            return some_path(path).map(Self::Unix).ok_or_else(|| Error::Address(text.into()));
        }
        // Names are not resolved here. `localhost` is the exception, because people type it.
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.into(),
        };
        numeric.parse().map(Self::Tcp).map_err(|_| Error::Address(text.into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How the parent reaches the enclave, and where the enclave reaches the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `unix:DIR`: one socket per port in a folder. The socket's name is the port's number. This is the embedded
    /// default.
    Unix(PathBuf),
    /// `vsock:CID`: an enclave on AWS Nitro. `nitro-cli` answers its heartbeat: it binds port 9000, and it would fail
    /// if the parent had bound that port.
    Vsock(u32),
    /// `qemu:PATH`: a guest behind vhost-device-vsock with `uds-path=PATH`.
    Qemu(PathBuf),
}

impl FromStr for Transport {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let transport = match text.split_once(':') {
            Some(("unix", path)) => some_path(path).map(Self::Unix),
            Some(("qemu", path)) => some_path(path).map(Self::Qemu),
            Some(("vsock", cid)) => cid.parse().ok().filter(|cid| ENCLAVE_CIDS.contains(cid)).map(Self::Vsock),
            _ => None,
        };
        transport.ok_or_else(|| Error::Transport(text.into()))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Vsock(cid) => write!(f, "vsock:{cid}"),
            Self::Qemu(path) => write!(f, "qemu:{}", path.display()),
        }
    }
}

/// vhost-device-vsock's name for the socket on which the host listens for the guest's connections to `port`.
pub(crate) fn qemu_socket(path: &Path, port: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("_{port}"));
    name.into()
}

fn some_path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_addresses_and_rejects_other_texts() {
        for (text, printed) in [
            ("127.0.0.1:4433", "127.0.0.1:4433"),
            ("[::1]:4433", "[::1]:4433"),
            ("localhost:0", "127.0.0.1:0"),
            ("unix:/run/capelet", "unix:/run/capelet"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), printed);
        }
        for text in ["", "unix:", "4433", "127.0.0.1", "127.0.0.1:65536", "example.org:443", "vsock:3"] {
            assert!(matches!(text.parse::<Address>(), Err(Error::Address(_))), "{text}");
        }
        assert!(!"192.0.2.1:443".parse::<Address>().unwrap().is_local());
        assert!("[::1]:443".parse::<Address>().unwrap().is_local());
    }

    #[test]
    fn parses_transports_and_rejects_other_texts() {
        for text in ["unix:/run/capelet", "vsock:4", "vsock:4294967294", "qemu:/tmp/v"] {
            assert_eq!(text.parse::<Transport>().unwrap().to_string(), text);
        }
        for text in
            ["", "unix:", "qemu:", "vsock:", "vsock:2", "vsock:3", "vsock:4294967295", "vsock:-1", "tcp:1", "16"]
        {
            assert!(matches!(text.parse::<Transport>(), Err(Error::Transport(_))), "{text}");
        }
        assert_eq!(qemu_socket(Path::new("/tmp/v"), 8000), Path::new("/tmp/v_8000"));
    }
}
