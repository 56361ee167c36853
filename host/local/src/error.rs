//! What can go wrong, each with what to do about it.

use capelet_parent::Address;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Every error of this package.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// A file or folder refuses.
    File(PathBuf, io::Error),
    /// There is no home to put the state into.
    NoHome,
    /// Another `capelet-local` runs from this folder.
    Running(PathBuf),
    /// Clients are to connect where other machines could.
    NotLocal(Address),
    /// A program that belongs beside this one is missing.
    Missing(PathBuf),
    /// A program does not start.
    Start(PathBuf, io::Error),
    /// The development KMS did not say that it is ready.
    Kms(&'static str),
    /// The development NSM or KMS refuses.
    Dev(capelet_dev::Error),
    /// The parent refuses.
    Parent(capelet_parent::Error),
    /// The core ended or misbehaved.
    Core(&'static str),
    /// Signals, sockets, threads.
    System(io::Error),
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(..) | Self::NoHome => "file",
            Self::Running(_) => "already-running",
            Self::NotLocal(_) => "not-local",
            Self::Missing(_) | Self::Start(..) => "program",
            Self::Kms(_) => "kms",
            Self::Dev(_) => "development",
            Self::Parent(error) => error.code(),
            Self::Core(_) => "core",
            Self::System(_) => "system",
        }
    }

    /// An error about this file.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::File(path, error)
    }

    /// An error of the socket to the core.
    pub fn pid1(error: impl Into<io::Error>) -> Self {
        Self::System(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoHome => f.write_str("neither --home nor CAPELET_LOCAL_HOME nor HOME says where to keep the state"),
            Self::Running(path) => {
                write!(f, "another capelet-local runs from {}: stop it, or choose another --home", path.display())
            }
            Self::NotLocal(address) => write!(
                f,
                "{address} can be reached from other machines: a development enclave serves 127.0.0.1, ::1 or unix:PATH"
            ),
            Self::Missing(path) => write!(
                f,
                "{} is missing: build everything with `cargo build --release --locked --workspace`",
                path.display()
            ),
            Self::Start(path, error) => write!(f, "{} does not start: {error}", path.display()),
            Self::Kms(what) => write!(f, "the development KMS {what}: see its lines above"),
            Self::Dev(error) => error.fmt(f),
            Self::Parent(error) => error.fmt(f),
            Self::Core(what) => write!(f, "the core is gone: {what}"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<capelet_dev::Error> for Error {
    fn from(error: capelet_dev::Error) -> Self {
        Self::Dev(error)
    }
}

impl From<capelet_parent::Error> for Error {
    fn from(error: capelet_parent::Error) -> Self {
        Self::Parent(error)
    }
}
