//! Every error of the parent as one enum. `Display` says what is wrong and what to do.

use capelet_cli::ending::CommandError;
use capelet_cli::private_file::{NotPrivate, READ_BY_OTHERS};
use enclave_core::kms::ArnRejection;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where to look when an enclave on Nitro does not boot. nitro-cli receives the heartbeat itself, so the parent never
/// sees it there. E36 is "Enclave boot failure" (AWS Nitro Enclaves User Guide, "Nitro Enclaves CLI error codes").
const NITRO_DETAILS: &str = "\
Nitro shows a console only in debug mode. What else can be known:
  nitro-cli writes its logs to /var/log/nitro_enclaves.
  nitro-cli fails with E36 if no heartbeat came. A heartbeat means that the kernel booted and PID 1 ran.
  The log of `capelet-parent serve` has an `operation` event if the core ran.
  The same image boots under `enclave run --qemu`, which keeps its console.";

/// Every error of the parent: first those of commands and of the start, then those of single connections.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The command line is invalid. Contains the message of the parser.
    Usage(String),
    /// This text is neither `IP:PORT` nor `unix:PATH`.
    Address(String),
    /// This text is not a transport to an enclave.
    Transport(String),
    /// This text is not an AWS region.
    Region(String),
    /// The development KMS is not on this machine.
    KmsNotLocal(String),
    /// Both a development KMS and AWS regions were given.
    TwoKms,
    /// No address for clients was given.
    NothingToListenOn,
    /// This text is not the ARN of a KMS key.
    Key(String),
    /// A limit on runs is zero, or above the maximum that is compiled into the image.
    RunLimit {
        /// The name of the limit.
        name: &'static str,
        /// The maximum that is compiled in.
        most: u64,
    },
    /// This text is not an owner's key.
    Deployer(String),
    /// A list of deployers has no salt, as in the older layout, or it is damaged. Contains its path or its name.
    OlderDeployers(String),
    /// Deployers were given without a file to write them to, or a file without deployers.
    Deployers,
    /// A configuration is already there, and `--force` was not given.
    ConfigurationExists(PathBuf),
    /// Both outputs are standard output.
    TwoOutputs,
    /// Standard output could not be written.
    Output(io::Error),
    /// An option of `configure` has no effect.
    ConfigureArguments(&'static str),
    /// An option of `serve` has no effect without another one, or its value is invalid.
    ServeArguments(&'static str),
    /// A limit is zero, or needs more descriptors than this process can have.
    Limit(&'static str),
    /// A file is longer than its limit.
    FileTooLarge {
        /// The file's path, or the name of its content.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file or folder belongs to another user, or other users can change or read it.
    NotPrivate {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        why: NotPrivate,
    },
    /// A folder contains something, and has no marker of its purpose.
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
        /// What it was to be: `a store`.
        purpose: &'static str,
        /// One of its files or folders.
        entry: String,
    },
    /// A folder is marked for another purpose, or by another version of the program.
    FolderVersion {
        /// The folder.
        folder: PathBuf,
        /// What it was to be: `a store`.
        purpose: &'static str,
    },
    /// Another process uses a folder.
    FolderInUse {
        /// The folder.
        folder: PathBuf,
        /// What it is: `a store`.
        purpose: &'static str,
    },
    /// The credentials file is not JSON with the required members.
    Credentials(PathBuf),
    /// An address could not be bound.
    Listen {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// Another process uses the store.
    StoreInUse(PathBuf),
    /// The store has another layout, or no marker that says which one, or the folder is marked for another purpose.
    StoreLayout(PathBuf),
    /// The store's folder cannot be used.
    Store {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is not an image, or an unsupported one.
    Image {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: eif_build::Error,
    },
    /// A file is not a `measurements.json`.
    Measurements(PathBuf),
    /// A `measurements.json` has two members with one name in one object.
    DuplicateMeasurements(PathBuf),
    /// The image does not have these measurements.
    NotAsMeasured(PathBuf),
    /// `--development` was given for an image that was not built for development.
    NotDevelopment,
    /// The console of an enclave on Nitro was requested, and the enclave is not in debug mode.
    NotDebugMode(String),
    /// No console was kept at this path.
    NoConsole(PathBuf),
    /// Options of `enclave` exclude each other, or a value cannot be passed to the program.
    EnclaveArguments(&'static str),
    /// A program could not be started.
    Program {
        /// The program.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// nitro-cli ended with a failure, which it has explained on standard error.
    NitroCliRefused,
    /// `nitro-cli run-enclave` ended with a failure, which it has explained on standard error.
    NitroCliRunRefused,
    /// nitro-cli started the enclave with this id and no longer lists it.
    NitroEnclaveEnded(String),
    /// nitro-cli answered in a form that its documentation does not describe.
    NitroCliAnswer,
    /// nitro-cli started something other than what was requested. It was terminated.
    OtherEnclave,
    /// A folder is not a state folder of `enclave run`, or its content is damaged.
    StateFolder(PathBuf),
    /// An enclave already runs with this state folder.
    EnclaveRuns(PathBuf),
    /// The enclave is not running.
    NoEnclave(String),
    /// No parent serves the enclave at this path.
    NoParent(PathBuf),
    /// A program of a running enclave ended by itself, or did not start to serve.
    EnclaveEnded {
        /// The program, and how it ended.
        what: String,
        /// The last lines of the console and of the backend's log, escaped.
        details: String,
    },
    /// The system refused a thread, a process or a signal handler.
    System(io::Error),

    /// The other side closed the connection too early, or the connection was reset.
    Closed,
    /// A connection reached its deadline.
    Deadline,
    /// A connection exceeded its limit of bytes.
    TooManyBytes,
    /// The parent is shutting down.
    Stopping,
    /// Bytes that were received are malformed.
    Malformed,
    /// The host is not a KMS endpoint of a configured region.
    HostNotAllowed,
    /// A connection came from this vsock CID, which is not the enclave's.
    Stranger(u32),
    /// The enclave serves as many clients as it can.
    NoPlace,
    /// The enclave closed a client's connection before its first byte.
    NotServed,
    /// The enclave did not answer a client in time.
    NoAnswer,
    /// vhost-device-vsock did not open the guest's port.
    NotOpened,
    /// The other side of a relay could not be reached.
    Unreachable(io::Error),
    /// A socket failed.
    Socket(io::Error),
    /// The disk failed after an answer had begun.
    Disk(io::Error),
}

impl Error {
    /// The stable code of the error, for people and scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Address(_) => "address",
            Self::Transport(_) => "transport",
            Self::Region(_) => "region",
            Self::KmsNotLocal(_) => "kms-not-local",
            Self::Key(_) => "key",
            Self::RunLimit { .. } => "run-limit",
            Self::Deployer(_) | Self::Deployers => "deployers",
            Self::OlderDeployers(_) => "older-deployers",
            Self::ConfigurationExists(_) => "configuration-exists",
            Self::TwoOutputs => "two-outputs",
            Self::Output(_) => "output",
            Self::ConfigureArguments(_) => "configure-arguments",
            Self::ServeArguments(_) => "serve-arguments",
            Self::TwoKms => "two-kms",
            Self::NothingToListenOn => "nothing-to-listen-on",
            Self::Limit(_) => "limit",
            Self::FileTooLarge { .. } => "file-too-large",
            Self::File { .. } => "file",
            Self::NotPrivate { .. } => "not-private",
            Self::ForeignFolder { .. } => "foreign-folder",
            Self::FolderVersion { .. } => "folder-version",
            Self::FolderInUse { .. } => "folder-in-use",
            Self::Credentials(_) => "credentials",
            Self::Listen { .. } => "listen",
            Self::StoreInUse(_) => "store-in-use",
            Self::StoreLayout(_) => "store-layout",
            Self::Store { .. } => "store",
            Self::Image { source, .. } => source.code(),
            Self::Measurements(_) | Self::DuplicateMeasurements(_) => "measurements",
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
            Self::NoPlace => "no-place",
            Self::NotServed => "not-served",
            Self::NoAnswer => "no-answer",
            Self::NotOpened => "not-opened",
            Self::Unreachable(_) => "unreachable",
            Self::Socket(_) => "socket",
            Self::Disk(_) => "disk",
        }
    }

    /// Whether the command line is what is wrong, so that nothing was begun.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Usage(_)
                | Self::Address(_)
                | Self::Transport(_)
                | Self::Region(_)
                | Self::KmsNotLocal(_)
                | Self::TwoKms
                | Self::NothingToListenOn
                | Self::Key(_)
                | Self::RunLimit { .. }
                | Self::Deployer(_)
                | Self::Deployers
                | Self::TwoOutputs
                | Self::ConfigureArguments(_)
                | Self::ServeArguments(_)
                | Self::EnclaveArguments(_)
                | Self::Limit(_)
        )
    }
}

impl CommandError for Error {
    fn usage(message: String) -> Self {
        Self::Usage(message)
    }

    fn output(error: io::Error) -> Self {
        Self::Output(error)
    }

    fn code(&self) -> &'static str {
        Self::code(self)
    }

    fn is_usage(&self) -> bool {
        Self::is_usage(self)
    }

    fn details(&self) -> Option<&str> {
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
            Self::Usage(message) => f.write_str(message),
            Self::Address(text) => write!(f, "'{text}' is not an address; write IP:PORT or unix:PATH"),
            Self::Transport(text) => {
                write!(f, "'{text}' is not a transport to an enclave; write vsock:CID, qemu:PATH or unix:DIR")
            }
            Self::Region(text) => write!(f, "'{text}' is not an AWS region; write one like eu-central-1"),
            Self::KmsNotLocal(text) => {
                write!(
                    f,
                    "a development KMS must be on this machine, and {text} is not; write 127.0.0.1:PORT or unix:PATH"
                )
            }
            Self::Key(text) => {
                write!(f, "'{text}' {}", ArnRejection::of(text).unwrap_or(ArnRejection::Form))
            }
            Self::RunLimit { name, most } => {
                write!(f, "the limit on {name} must be between 1 and {most}, the maximum in the image")
            }
            Self::Deployer(text) => {
                write!(f, "'{text}' is not an owner's key; write the 52 characters that `capelet identity show` prints")
            }
            Self::Deployers => {
                f.write_str("--deployer and --deployers-to go together: name the owners and a file for them")
            }
            Self::OlderDeployers(what) => write!(
                f,
                "{what} is damaged, or of an older layout without a salt; move the file away, and write it anew with \
                 `capelet-parent configure` and all deployers"
            ),
            Self::ConfigurationExists(path) => write!(
                f,
                "{} is there already, and clients of an enclave under it would see another PCR16; name a new file, or add \
                 --force to replace it",
                path.display()
            ),
            Self::TwoOutputs => {
                f.write_str("--to and --deployers-to are both standard output; name a file for one of them")
            }
            Self::Output(source) if source.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error()) => {
                f.write_str("standard output is closed; give the program one, for example with > FILE")
            }
            Self::Output(source) => write!(f, "standard output cannot be written ({source}); check where it goes"),
            Self::ConfigureArguments(what) | Self::ServeArguments(what) => f.write_str(what),
            Self::TwoKms => write!(f, "regions and a development KMS exclude each other; leave out --region or --kms"),
            Self::NothingToListenOn => {
                write!(f, "no address for clients was given; add --listen IP:PORT or --listen unix:PATH")
            }
            Self::Limit(name) => {
                write!(
                    f,
                    "{name} is zero, or needs more descriptors than this process may have; choose another number, or \
                     raise `ulimit -Hn`"
                )
            }
            Self::FileTooLarge { what, limit } => write!(f, "{what} is longer than {limit} bytes; shorten it"),
            Self::File { path, source } if source.kind() == io::ErrorKind::NotADirectory => {
                write!(f, "{}, or a part of its path, is not a folder; name another one", path.display())
            }
            Self::File { path, source } => {
                write!(f, "{} cannot be used ({source}); check the name and the permissions", path.display())
            }
            Self::NotPrivate { path, why: NotPrivate::Owner(user) } => write!(
                f,
                "{} belongs to the user with the id {user}, and not to the user of this process; name one of this user's",
                path.display()
            ),
            Self::NotPrivate { path, why: NotPrivate::Mode(mode) } => {
                let (mode, folder) = (*mode, path.is_dir());
                let right = if mode & READ_BY_OTHERS & 0o022 == 0 { "read" } else { "change" };
                let good = if folder { "700" } else { "600" };
                let path = path.display();
                write!(f, "{path} has mode {mode:04o}, so other users can {right} it; run `chmod {good} {path}`")
            }
            Self::ForeignFolder { folder, purpose, entry } => write!(
                f,
                "{} contains {entry} and is not marked as {purpose}, so what it contains may belong to something else, \
                 and it was not changed; name an empty or a new folder",
                folder.display()
            ),
            Self::FolderVersion { folder, purpose } => write!(
                f,
                "{} is not marked as {purpose} of this version, but for another purpose or by another version, and was not \
                 changed; name a new folder",
                folder.display()
            ),
            Self::FolderInUse { folder, purpose } => {
                write!(f, "another process uses {} as {purpose}; end it, or name another folder", folder.display())
            }
            Self::Credentials(path) => write!(
                f,
                "{} does not contain credentials; write JSON with AccessKeyId, SecretAccessKey and SessionToken, each once",
                path.display()
            ),
            Self::Listen { address, source } if source.kind() == io::ErrorKind::NotFound => {
                write!(
                    f,
                    "{address} cannot be bound: its folder was not found; create it, or first start the \
                     program that creates it"
                )
            }
            Self::Listen { address, source } if source.kind() == io::ErrorKind::AlreadyExists => {
                write!(
                    f,
                    "{address} cannot be bound: a file is there that is not a socket, and it was not changed; move it \
                     away, or name another address"
                )
            }
            Self::Listen { address, source } => {
                write!(f, "{address} cannot be bound ({source}); end the program that uses it, or name another address")
            }
            Self::StoreInUse(path) => {
                write!(f, "another process uses the store {}; end it, or name another folder", path.display())
            }
            Self::StoreLayout(path) => write!(
                f,
                "{} is a store of another layout than this version's, probably an older one, or is marked for another \
                 purpose, and was not changed; name a new folder, and deploy again",
                path.display()
            ),
            Self::Store { path, source } => write!(
                f,
                "the store {} cannot be used ({source}); it needs a folder that this user may write to",
                path.display()
            ),
            Self::Image { path, source } => write!(f, "{} is not an image that can be run: {source}", path.display()),
            Self::Measurements(path) => {
                write!(f, "{} does not contain measurements; use the measurements.json of a release", path.display())
            }
            Self::DuplicateMeasurements(path) => write!(
                f,
                "{} has a duplicate key, so its measurements are ambiguous; use the measurements.json of a release",
                path.display()
            ),
            Self::NotAsMeasured(path) => {
                write!(f, "the image does not match {}; take both from the same release", path.display())
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
            Self::NitroCliRefused => f.write_str("nitro-cli failed; see its own message above"),
            Self::NitroCliRunRefused => f.write_str("nitro-cli run-enclave failed; see its own message above"),
            Self::NitroEnclaveEnded(id) => {
                write!(
                    f,
                    "the enclave has ended: nitro-cli started {id} and no longer lists it; find out why and retry"
                )
            }
            Self::NitroCliAnswer => f.write_str(
                "nitro-cli gave an answer that its documentation does not describe; inspect the \
                 enclave with nitro-cli's own commands",
            ),
            Self::OtherEnclave => {
                f.write_str("nitro-cli started another image, CID or mode than requested, and it was terminated; retry")
            }
            Self::StateFolder(path) => write!(
                f,
                "{} cannot be the state folder of an enclave; name a folder that only this user can access (0700), \
                 with a short path without commas, and without files that `enclave run` did not write",
                path.display()
            ),
            Self::EnclaveRuns(path) => {
                write!(f, "an enclave already uses {}; terminate it, or name another state folder", path.display())
            }
            Self::NoEnclave(name) => {
                write!(f, "enclave {name} is not running; `enclave describe` lists those that are")
            }
            Self::NoParent(path) => {
                let path = path.display();
                write!(f, "no parent serves the enclave; start `capelet-parent serve --enclave qemu:{path}`")
            }
            Self::EnclaveEnded { what, .. } => {
                write!(f, "the enclave has ended: {what}; the log of `serve` shows the enclave's last request")
            }
            Self::System(source) => {
                write!(f, "the system refused a thread, a process or a signal ({source}); retry")
            }
            Self::Closed => f.write_str("the other side closed the connection"),
            Self::Deadline => f.write_str("the deadline passed"),
            Self::TooManyBytes => f.write_str("more bytes than allowed"),
            Self::Stopping => f.write_str("the parent is shutting down"),
            Self::Malformed => f.write_str("malformed bytes"),
            Self::HostNotAllowed => f.write_str("not a KMS endpoint of a configured region"),
            Self::Stranger(cid) => write!(f, "CID {cid} is not the enclave's CID"),
            Self::NoPlace => f.write_str("the enclave serves as many clients as it can"),
            Self::NotServed => f.write_str("the enclave closed the connection before its first byte"),
            Self::NoAnswer => f.write_str("the enclave did not answer in time"),
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
            Self::Output(source)
            | Self::File { source, .. }
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
