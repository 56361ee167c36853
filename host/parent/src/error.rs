//! What can go wrong, as one enum; `Display` says what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What can be known of an enclave on Nitro that did not come up. nitro-cli takes the heartbeat itself: it never reaches
/// the parent there. E36 is "Enclave boot failure" (AWS Nitro Enclaves User Guide, "Nitro Enclaves CLI error codes").
const NITRO_DETAILS: &str = "\
Nitro shows a console only in debug mode. What else can be known:
  nitro-cli writes its logs to /var/log/nitro_enclaves.
  nitro-cli fails with E36 if no heartbeat came. A heartbeat means that the kernel booted and PID 1 ran.
  The log of `capelet-parent serve` has an `operation` event if the core ran.
  The same image boots under `enclave run --qemu`, which keeps its console.";

/// Every error of the parent: of its start first, then of single connections.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// A text that is neither `IP:PORT` nor `unix:PATH`.
    Address(String),
    /// A text that is no way to an enclave.
    Transport(String),
    /// A text that is no AWS region.
    Region(String),
    /// The development KMS is not on this machine.
    KmsNotLocal(String),
    /// Both a development KMS and regions of the real one were named.
    TwoKms,
    /// No address for clients was named.
    NothingToListenOn,
    /// A text that is no ARN of a KMS key.
    Key(String),
    /// A limit on runs of zero, or above what is compiled into the image.
    RunLimit {
        /// Which.
        name: &'static str,
        /// What is compiled in.
        most: u64,
    },
    /// A text that is no owner's key.
    Deployer(String),
    /// A list of deployers without a place to write it to, or the other way round.
    Deployers,
    /// A limit of zero, or one that this process cannot be given (descriptors).
    Limit(&'static str),
    /// A file that is given to the enclave, or to be read, is longer than this many bytes.
    FileTooLarge {
        /// The file, or what it holds.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A file could not be read.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The credentials file is not JSON with the members that it must have.
    Credentials(PathBuf),
    /// An address could not be listened on.
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Another process has the store.
    StoreInUse(PathBuf),
    /// The store's folder cannot be used.
    Store {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no image, or one that is not read.
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        source: eif_build::Error,
    },
    /// A file is no measurements.json.
    Measurements(PathBuf),
    /// An image is not the one that this file of measurements is of.
    NotAsMeasured(PathBuf),
    /// `--development` was given for an image that was not built for development.
    NotDevelopment,
    /// The console of an enclave on Nitro was asked for, and the enclave is not in debug mode.
    NotDebugMode(String),
    /// No console was kept at this path.
    NoConsole(PathBuf),
    /// Options of `enclave` that do not go together, or values that cannot be passed on.
    EnclaveArguments(&'static str),
    /// A program could not be started.
    Program {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// nitro-cli ended with a failure, which it has explained on standard error.
    NitroCliRefused,
    /// `nitro-cli run-enclave` ended with a failure, which it has explained on standard error.
    NitroCliRunRefused,
    /// nitro-cli started the enclave with this id, and no longer lists it.
    NitroEnclaveEnded(String),
    /// nitro-cli answered with what its documentation does not have.
    NitroCliAnswer,
    /// What nitro-cli started is not what was asked for; it was ended.
    OtherEnclave,
    /// A state folder, or what is in it, is not one of `enclave run`'s.
    StateFolder(PathBuf),
    /// An enclave of this state folder runs already.
    EnclaveRuns(PathBuf),
    /// No such enclave runs.
    NoEnclave(String),
    /// Nobody serves the enclave at this path.
    NoParent(PathBuf),
    /// A program of a running enclave ended by itself, or did not start to serve.
    EnclaveEnded {
        /// Which program, and how it ended.
        what: String,
        /// The last lines of the console and of the backend's log, escaped.
        details: String,
    },
    /// A thread, a process or a signal handler could not be had.
    System(io::Error),

    /// The other side closed its connection in the middle, or it broke.
    Closed,
    /// A connection was at its deadline.
    Deadline,
    /// A connection carried more bytes than it may.
    TooManyBytes,
    /// The parent is ending.
    Stopping,
    /// What came over a connection is not of its form.
    Malformed,
    /// The host is none of the configured regions' KMS endpoints.
    HostNotAllowed,
    /// Somebody connected from this vsock CID, which is not the enclave's.
    Stranger(u32),
    /// The backend of QEMU's vsock did not open the port of the guest.
    NotOpened,
    /// The other side of a relay could not be reached.
    Unreachable(io::Error),
    /// A socket failed.
    Socket(io::Error),
    /// The disk failed in the middle of an answer.
    Disk(io::Error),
}

impl Error {
    /// The stable code that people and scripts see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Transport(_) => "transport",
            Self::Region(_) => "region",
            Self::KmsNotLocal(_) => "kms-not-local",
            Self::Key(_) => "key",
            Self::RunLimit { .. } => "run-limit",
            Self::Deployer(_) | Self::Deployers => "deployers",
            Self::TwoKms => "two-kms",
            Self::NothingToListenOn => "nothing-to-listen-on",
            Self::Limit(_) => "limit",
            Self::FileTooLarge { .. } => "file-too-large",
            Self::File { .. } => "file",
            Self::Credentials(_) => "credentials",
            Self::Listen { .. } => "listen",
            Self::StoreInUse(_) => "store-in-use",
            Self::Store { .. } => "store",
            Self::Image { source, .. } => source.code(),
            Self::Measurements(_) => "measurements",
            Self::NotAsMeasured(_) => "not-as-measured",
            Self::NotDevelopment | Self::NotDebugMode(_) => "not-development",
            Self::NoConsole(_) => "no-console",
            Self::EnclaveArguments(_) => "enclave-arguments",
            Self::Program { .. } => "program",
            Self::NitroCliRefused | Self::NitroCliRunRefused => "nitro-cli-refused",
            Self::NitroCliAnswer => "nitro-cli-answer",
            Self::OtherEnclave => "other-enclave",
            Self::StateFolder(_) => "state-folder",
            Self::EnclaveRuns(_) => "enclave-runs",
            Self::NoEnclave(_) => "no-enclave",
            Self::NoParent(_) => "no-parent",
            Self::EnclaveEnded { .. } | Self::NitroEnclaveEnded(_) => "enclave-ended",
            Self::System(_) => "system",
            Self::Closed => "closed",
            Self::Deadline => "deadline",
            Self::TooManyBytes => "too-many-bytes",
            Self::Stopping => "stopping",
            Self::Malformed => "malformed",
            Self::HostNotAllowed => "host-not-allowed",
            Self::Stranger(_) => "stranger",
            Self::NotOpened => "not-opened",
            Self::Unreachable(_) => "unreachable",
            Self::Socket(_) => "socket",
            Self::Disk(_) => "disk",
        }
    }

    /// Lines for a person that stand below the error; `None` if the error says all.
    pub fn details(&self) -> Option<&str> {
        match self {
            Self::EnclaveEnded { details, .. } if !details.is_empty() => Some(details),
            Self::NitroCliRunRefused | Self::NitroEnclaveEnded(_) => Some(NITRO_DETAILS),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "'{text}' is no address; write IP:PORT or unix:PATH"),
            Self::Transport(text) => {
                write!(f, "'{text}' is no way to an enclave; write vsock:CID, qemu:PATH or unix:DIR")
            }
            Self::Region(text) => write!(f, "'{text}' is no AWS region; write one like eu-central-1"),
            Self::KmsNotLocal(text) => {
                write!(
                    f,
                    "a development KMS must be on this machine, and {text} is not; write 127.0.0.1:PORT or unix:PATH"
                )
            }
            Self::Key(text) => {
                write!(
                    f,
                    "'{text}' is no ARN of a KMS key; write one like arn:aws:kms:eu-central-1:111122223333:key/UUID"
                )
            }
            Self::RunLimit { name, most } => {
                write!(f, "the limit on {name} must lie between 1 and {most}, which is compiled into the image")
            }
            Self::Deployer(text) => {
                write!(f, "'{text}' is no owner's key; write the 52 characters that `capelet identity show` prints")
            }
            Self::Deployers => {
                f.write_str("--deployer and --deployers-to go together: name the owners and a file for them")
            }
            Self::TwoKms => write!(f, "regions and a development KMS exclude each other; leave out --region or --kms"),
            Self::NothingToListenOn => {
                write!(f, "no address for clients was named; add --listen IP:PORT or --listen unix:PATH")
            }
            Self::Limit(name) => {
                write!(
                    f,
                    "{name} is zero, or more than this process may have; choose another number, or raise `ulimit -Hn`"
                )
            }
            Self::FileTooLarge { what, limit } => write!(f, "{what} is longer than {limit} bytes; shorten it"),
            Self::File { path, source } => {
                write!(f, "{} cannot be used ({source}); check the name and the permissions", path.display())
            }
            Self::Credentials(path) => write!(
                f,
                "{} holds no credentials; write JSON with AccessKeyId, SecretAccessKey and SessionToken",
                path.display()
            ),
            Self::Listen { address, source } if source.kind() == io::ErrorKind::NotFound => {
                write!(
                    f,
                    "{address} cannot be listened on: its folder is not there; make it, or start what makes it first"
                )
            }
            Self::Listen { address, source } => {
                write!(f, "{address} cannot be listened on ({source}); end what uses it, or name another")
            }
            Self::StoreInUse(path) => {
                write!(f, "another process uses the store {}; end it, or name another folder", path.display())
            }
            Self::Store { path, source } => write!(
                f,
                "the store {} cannot be used ({source}); it needs a folder that this user may write to",
                path.display()
            ),
            Self::Image { path, source } => write!(f, "{} is not an image that can be run: {source}", path.display()),
            Self::Measurements(path) => {
                write!(f, "{} holds no measurements; take the measurements.json of a release", path.display())
            }
            Self::NotAsMeasured(path) => {
                write!(f, "the image is not the one of {}; take both from the same release", path.display())
            }
            Self::NotDevelopment => f.write_str(
                "--development is only for an image whose --measurements say that it was built for development; \
                 give the measurements of such an image, or leave out --development",
            ),
            Self::NotDebugMode(id) => write!(
                f,
                "nitro-cli shows the console of an enclave only in debug mode, and {id} is not in debug mode; run a \
                 development image with --development, or the same image with --qemu"
            ),
            Self::NoConsole(path) => write!(
                f,
                "the console {} was not found; run an enclave with this state folder first (`enclave run --qemu`)",
                path.display()
            ),
            Self::EnclaveArguments(what) => f.write_str(what),
            Self::Program { path, source } => {
                write!(f, "{} cannot be started ({source}); install it, or name another folder", path.display())
            }
            Self::NitroCliRefused => f.write_str("nitro-cli failed; its own message stands above"),
            Self::NitroCliRunRefused => f.write_str("nitro-cli run-enclave failed; its own message stands above"),
            Self::NitroEnclaveEnded(id) => {
                write!(
                    f,
                    "the enclave has ended: nitro-cli started {id} and no longer lists it; find out why and retry"
                )
            }
            Self::NitroCliAnswer => {
                f.write_str("nitro-cli answered with what its documentation does not have; look with its own commands")
            }
            Self::OtherEnclave => f.write_str(
                "nitro-cli started another image, CID or mode than was asked for, and it was ended; try again",
            ),
            Self::StateFolder(path) => write!(
                f,
                "{} cannot hold an enclave's state; name another folder: this user's alone (0700), its path short \
                 and without commas, nothing in it that `enclave run` did not write",
                path.display()
            ),
            Self::EnclaveRuns(path) => {
                write!(f, "an enclave runs with the state in {}; terminate it, or name another folder", path.display())
            }
            Self::NoEnclave(name) => write!(f, "no enclave {name} runs; `enclave describe` shows which do"),
            Self::NoParent(path) => {
                write!(f, "nobody serves the enclave; start `capelet-parent serve --enclave qemu:{}`", path.display())
            }
            Self::EnclaveEnded { what, .. } => {
                write!(f, "the enclave has ended: {what}; the log of `serve` says what the enclave asked for last")
            }
            Self::System(source) => {
                write!(f, "the system refuses a thread, a process or a signal ({source}); try again")
            }
            Self::Closed => f.write_str("the other side closed the connection"),
            Self::Deadline => f.write_str("the deadline passed"),
            Self::TooManyBytes => f.write_str("more bytes than allowed"),
            Self::Stopping => f.write_str("the parent is ending"),
            Self::Malformed => f.write_str("bytes that are not of their form"),
            Self::HostNotAllowed => f.write_str("no KMS endpoint of a configured region"),
            Self::Stranger(cid) => write!(f, "CID {cid} is not the enclave's"),
            Self::NotOpened => f.write_str("the guest's port was not opened"),
            Self::Unreachable(source) => write!(f, "cannot be reached ({source})"),
            Self::Socket(source) => write!(f, "the socket failed ({source})"),
            Self::Disk(source) => write!(f, "the disk failed ({source})"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Image { source, .. } => Some(source),
            Self::File { source, .. }
            | Self::Program { source, .. }
            | Self::Listen { source, .. }
            | Self::Store { source, .. }
            | Self::System(source)
            | Self::Unreachable(source)
            | Self::Socket(source)
            | Self::Disk(source) => Some(source),
            _ => None,
        }
    }
}
