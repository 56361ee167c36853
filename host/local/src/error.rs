//! Errors, each with what to do about it.

use capelet_cli::ending::CommandError;
use capelet_parent::Address;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Every error of this package.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The command line is invalid. Contains the message of the parser.
    Usage(String),
    /// A file or folder cannot be read or written.
    File(PathBuf, io::Error),
    /// No folder for the state was given.
    NoHome,
    /// This file in the folder for sockets is not a socket.
    NotASocket(PathBuf),
    /// Another `capelet-local` uses this folder.
    Running(PathBuf),
    /// Other machines could connect to this address for clients.
    NotLocal(Address),
    /// This program of the same build was not found.
    Missing(PathBuf),
    /// This program could not be started.
    Start(PathBuf, io::Error),
    /// The development KMS failed. The text completes the sentence "the development KMS …".
    Kms(&'static str),
    /// The development NSM or KMS reported an error.
    Dev(capelet_dev::Error),
    /// The parent reported an error.
    Parent(capelet_parent::Error),
    /// The core failed. The text completes the sentence "the core …".
    Core(&'static str),
    /// A system call about signals, sockets or processes failed.
    System(io::Error),
}

impl Error {
    /// The stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::File(..) | Self::NotASocket(_) | Self::NoHome => "file",
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

    /// Adds the path of the file to an error.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::File(path, error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::File(path, error) => {
                write!(f, "cannot use {}: {error}; check the path and its permissions", path.display())
            }
            Self::NoHome => f.write_str("no folder for the state was given; set --home, CAPELET_LOCAL_HOME or HOME"),
            Self::NotASocket(path) => {
                write!(
                    f,
                    "{} is not a socket, and its folder is emptied at each start; move the file away",
                    path.display()
                )
            }
            Self::Running(path) => {
                write!(f, "another capelet-local uses {}; stop it, or choose another --home", path.display())
            }
            Self::NotLocal(address) => {
                write!(f, "other machines can connect to {address}; listen on 127.0.0.1:PORT, [::1]:PORT or unix:PATH")
            }
            Self::Missing(path) => write!(
                f,
                "{} was not found, nor was it in ../libexec/capelet; build all programs with `cargo build --release \
                 --locked --workspace`, or install them with `make install`",
                path.display()
            ),
            Self::Start(path, error) => {
                write!(f, "cannot start {}: {error}; check that it is a program of this build", path.display())
            }
            Self::Kms(what) => write!(f, "the development KMS {what}; its lines above may have the reason"),
            Self::Dev(error) => error.fmt(f),
            Self::Parent(error) => error.fmt(f),
            Self::Core(what) => write!(f, "the core {what}"),
            Self::System(error) => write!(f, "a system call failed: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File(_, error) | Self::Start(_, error) | Self::System(error) => Some(error),
            Self::Dev(error) => Some(error),
            Self::Parent(error) => Some(error),
            _ => None,
        }
    }
}

impl CommandError for Error {
    fn usage(message: String) -> Self {
        Self::Usage(message)
    }

    fn output(error: io::Error) -> Self {
        Self::Parent(capelet_parent::Error::Output(error))
    }

    fn code(&self) -> &'static str {
        Self::code(self)
    }

    fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) | Self::NotLocal(_) => true,
            Self::Parent(error) => error.is_usage(),
            _ => false,
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
