//! What can go wrong here.

use crate::kms::Refusal;
use std::path::PathBuf;
use std::{fmt, io};

/// Every error of this package.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The operating system refuses something about this file.
    File(PathBuf, io::Error),
    /// A connection broke, or could not be made.
    Connection(io::Error),
    /// Neither `IP:PORT` nor `unix:PATH`.
    Address(String),
    /// A TCP address other than loopback.
    NotLoopback(String),
    /// A certificate could not be made.
    Certificate(rcgen::Error),
    /// TLS refuses a configuration.
    Tls(rustls::Error),
    /// The files of a root in this directory do not belong together.
    RootDisagrees(PathBuf),
    /// This root is not a certificate.
    NotARoot,
    /// The library refuses a key that was just made.
    Key,
    /// The clock is before 1970.
    Clock,
    /// A stored key is not of its form.
    StoredKey(PathBuf),
    /// The `openssl` program is missing, failed, or took too long.
    OpenSsl(String),
    /// An answer that is not HTTP or not JSON.
    NotAnAnswer,
    /// KMS refused.
    Kms(Refusal),
    /// Nothing in the store matches.
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
            Self::Connection(error) => write!(f, "connection: {error}"),
            Self::Address(text) => write!(f, "'{text}' is neither IP:PORT nor unix:PATH"),
            Self::NotLoopback(text) => write!(f, "'{text}' is not a loopback address"),
            Self::Certificate(error) => write!(f, "certificate: {error}"),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::RootDisagrees(path) => write!(f, "{}: key and certificate do not belong together", path.display()),
            Self::NotARoot => f.write_str("the root is not a certificate"),
            Self::Key => f.write_str("a key that was just made is refused"),
            Self::Clock => f.write_str("the clock is before 1970"),
            Self::StoredKey(path) => write!(f, "{}: not a stored key", path.display()),
            Self::OpenSsl(text) => write!(f, "openssl: {text}"),
            Self::NotAnAnswer => f.write_str("not an answer of KMS"),
            Self::Kms(refusal) => write!(f, "KMS: {refusal}"),
            Self::NotStored(path) => write!(f, "nothing stored under {}", path.display()),
        }
    }
}

impl std::error::Error for Error {}
