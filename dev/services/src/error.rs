//! The errors of this package.

use crate::kms::Refusal;
use std::path::PathBuf;
use std::{fmt, io};

/// Every error of this package.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The operating system refused an operation on this file.
    File(PathBuf, io::Error),
    /// This file or directory belongs to another user, or others can use it. The second value is the mode that it needs.
    NotPrivate(PathBuf, &'static str),
    /// A connection broke or could not be made.
    Connection(io::Error),
    /// The text is neither `IP:PORT` nor `unix:PATH`.
    Address(String),
    /// The TCP address is not a loopback address.
    NotLoopback(String),
    /// A certificate could not be made or read.
    Certificate(rcgen::Error),
    /// TLS refused a configuration or a connection.
    Tls(rustls::Error),
    /// This certificate of a root does not belong to the root's key.
    RootMismatch(PathBuf),
    /// The bytes are not a root certificate.
    NotARoot,
    /// The cryptographic library refused a key that was just made.
    Key,
    /// This file is where a socket was to be made, and is not a socket.
    NotASocket(PathBuf),
    /// The clock is before 1970.
    Clock,
    /// This file does not hold a stored key.
    StoredKey(PathBuf),
    /// The program `openssl` is missing, failed, or exceeded its time limit.
    OpenSsl(String),
    /// The answer of KMS is not JSON.
    InvalidAnswer,
    /// KMS refused the operation.
    Kms(Refusal),
    /// No object in the store has this path.
    NotStored(PathBuf),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<rcgen::Error> for Error {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error)
    }
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NotPrivate(path, mode) => {
                let path = path.display();
                write!(
                    f,
                    "{path} belongs to another user, or others can use it; run `chmod {mode} {path}` as its owner"
                )
            }
            Self::Connection(error) => write!(f, "the connection failed: {error}"),
            Self::Address(text) => write!(f, "'{text}' is neither IP:PORT nor unix:PATH"),
            Self::NotLoopback(text) => {
                write!(f, "'{text}' is not a loopback address: use 127.0.0.1:PORT, [::1]:PORT or unix:PATH")
            }
            Self::Certificate(error) => write!(f, "a certificate could not be made or read: {error}"),
            Self::Tls(error) => write!(f, "TLS failed: {error}"),
            Self::RootMismatch(path) => write!(
                f,
                "{}: the certificate does not belong to the root's key; delete the certificate to make a new one",
                path.display()
            ),
            Self::NotARoot => f.write_str("the root is not a certificate in DER"),
            Self::Key => f.write_str("the cryptographic library refused a key that was just made"),
            Self::NotASocket(path) => write!(
                f,
                "{}: the file there is not a socket, and it was not changed; move it away, or name another address",
                path.display()
            ),
            Self::Clock => f.write_str("this machine's clock is before 1970: set it"),
            Self::StoredKey(path) => write!(f, "{}: not a stored key; delete the file", path.display()),
            Self::OpenSsl(text) => write!(f, "the program openssl failed: {text}"),
            Self::InvalidAnswer => f.write_str("the answer of KMS is not JSON"),
            Self::Kms(refusal) => write!(f, "KMS refused: {refusal}"),
            Self::NotStored(path) => write!(f, "nothing stored under {}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) | Self::Connection(error) => Some(error),
            Self::Certificate(error) => Some(error),
            Self::Tls(error) => Some(error),
            _ => None,
        }
    }
}
