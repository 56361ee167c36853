//! The client's errors. Each has a stable code for scripts, and a sentence that says what is wrong and what to do.

use crate::bundle_error::BundleError;
use crate::error_text;
use crate::key_change::KeyChange;
use crate::values::OwnerText;
use crate::wrong_image::WrongImage;
use enclave_core::{TransportError, UnixMillis};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Every error of the client.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// This client rejected evidence, a structure or a key.
    Local(enclave_core::Error),
    /// An attested enclave answered with an error.
    Answered(enclave_core::Error),
    /// The connection to this address failed.
    Connection {
        /// The address.
        url: String,
        /// How the connection failed.
        error: TransportError,
        /// Whether a request was sent, which the enclave may have carried out.
        sent: bool,
    },
    /// The machine at this address had no place for a further client. Nothing was sent. Nobody vouches for this answer.
    NoPlace {
        /// The address.
        url: String,
        /// After how many seconds the parent recommends another attempt; `None` if nobody answered.
        retry_after: Option<u16>,
    },
    /// The command did not end within the seconds of `--timeout`.
    TimedOut(u64),
    /// The command line is invalid. Contains the message of the parser.
    Usage(String),
    /// An argument is invalid.
    Argument {
        /// The argument.
        name: &'static str,
        /// What it must be.
        want: &'static str,
    },
    /// An argument has an invalid value.
    BadValue {
        /// The argument.
        name: &'static str,
        /// The value.
        value: String,
        /// What it must be.
        want: &'static str,
    },
    /// `--accept` contains this name, which is not the name of an exception.
    UnknownException {
        /// The name.
        name: String,
        /// The names of all exceptions.
        known: &'static [&'static str],
    },
    /// The command does not use an option that was given.
    UnusedOption {
        /// The option.
        option: &'static str,
        /// The command, without the program's name.
        command: &'static str,
    },
    /// The value of `-p` is invalid.
    BadPin {
        /// What it must be.
        want: &'static str,
    },
    /// No enclave was named, and there is not exactly one trust entry.
    NoUrl,
    /// The address is neither `capelet://HOST[:PORT]` nor `unix:/PATH`.
    BadUrl(String),
    /// No image is pinned for this address, so that nothing is sent to it.
    NoPins(String),
    /// The address is pinned under another root.
    RootChanged(String),
    /// Trust on first use was requested for an enclave that is not under a development root.
    NotDevelopment(String),
    /// A development root was used for an address on another machine.
    NotLocal(String),
    /// A file or folder cannot be used.
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        kind: io::ErrorKind,
        /// The system's number of the error.
        number: Option<i32>,
    },
    /// Standard input or output cannot be used.
    Pipe {
        /// Which of them.
        stream: Stream,
        /// The system's error.
        kind: io::ErrorKind,
        /// The system's number of the error.
        number: Option<i32>,
    },
    /// Neither `CAPELET_HOME` nor `HOME` is set, and not all variables of the XDG Base Directory Specification.
    NoHome,
    /// Others can read or change a file or folder.
    Permissions {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The required mode.
        want: u32,
    },
    /// A file or folder belongs to another user.
    NotYours {
        /// The file or folder.
        path: PathBuf,
        /// The user id of its owner.
        owner: u32,
    },
    /// A file of this client is invalid.
    Damaged(PathBuf),
    /// A newer client wrote this file.
    Newer(PathBuf),
    /// An older client wrote this file, in a layout that this one does not read.
    Older(PathBuf),
    /// A folder, a FIFO or a device is in the place of a file of this client.
    NotAFile(PathBuf),
    /// An output would replace a file of this client, an identity, an export or an input of the same command.
    Protected {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Another client has held the lock for too long.
    Locked(PathBuf),
    /// A file exceeds its limit.
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A folder or a file cannot become a bundle.
    Bundle {
        /// The rule that is broken.
        error: BundleError,
        /// The file or folder that breaks it.
        path: PathBuf,
    },
    /// The catalogue has no function with this name or id.
    UnknownFunction(String),
    /// The last confirmed deployment of this function was deleted, and no version was named.
    Deleted {
        /// The name or id.
        name: String,
        /// The deleted version.
        version: u64,
    },
    /// The checksum of this function is unknown.
    NoChecksum(String),
    /// The name is already in use.
    NameTaken(String),
    /// The name is neither in the address book nor an owner's key.
    UnknownContact(String),
    /// The key's fingerprint differs from the one in the arguments.
    FingerprintDiffers,
    /// Encryption to another owner's vault needs the functions that may read the data.
    NoBinding,
    /// The owner has no vault key.
    NoVaultKey,
    /// A vault key already exists.
    VaultKeyExists {
        /// Its epoch.
        epoch: u64,
        /// Whether the session's image sealed it.
        here: bool,
    },
    /// Another image than the session's sealed an object. Its key share was not sent.
    WrongImage(Box<WrongImage>),
    /// The enclave has no KMS key, and none was named.
    NoKmsKey,
    /// The catalogue has no vault key that decrypts this ciphertext.
    ForeignCiphertext,
    /// This owner's vault key is neither in the catalogue nor in the store.
    UnknownVaultKey,
    /// A version or epoch is lower than one that was seen before.
    RolledBack {
        /// The highest one seen.
        seen: u64,
        /// The one received.
        found: u64,
    },
    /// Two keys of one owner have this epoch. Both were kept.
    Equivocation(u64),
    /// The vault key ended at this time.
    KeyEnded(UnixMillis),
    /// These exceptions must be named with `--accept`.
    NotAccepted(Vec<&'static str>),
    /// The command destroys something, and the user did not confirm it.
    NotConfirmed {
        /// Whether the user was asked. Without a terminal, nobody can be.
        asked: bool,
    },
    /// The texts of a KMS key differ from those that the owner last accepted.
    KeyChanged(Box<KeyChange>),
    /// The passphrase cannot be used.
    Passphrase(PassphraseError),
    /// An identity already exists in this file.
    IdentityExists(PathBuf),
    /// The folder has no identity.
    NoIdentity,
    /// An output exists that must not be replaced without `--force`.
    OutputExists(PathBuf),
    /// The folder has no identity, but the catalogue of one.
    IdentityMissing {
        /// The file that is missing.
        path: PathBuf,
        /// The identity of the catalogue.
        owner: OwnerText,
    },
    /// A file of the folder belongs to another identity than the folder's.
    OfAnotherIdentity {
        /// The file.
        path: PathBuf,
        /// The identity to which it belongs.
        owner: OwnerText,
    },
    /// An .eif or a measurements file is invalid. Contains the reader's code.
    Measurements(&'static str),
    /// The input begins like a ciphertext, and is not one. `true` if `--ciphertext` was given.
    NotCiphertext(bool),
    /// The receipt names another function, checksum or caller than was demanded.
    Wrong {
        /// What differs.
        what: WrongPart,
        /// What was demanded.
        wanted: String,
        /// What the receipt has.
        found: String,
    },
    /// The receipt rests on a development root, which was not accepted.
    DevelopmentRoot,
    /// The receipt is valid, and says that the run failed.
    RunFailed(enclave_core::Error),
    /// The document of a vault's statement is older than the greatest age.
    StatementExpired {
        /// The document's time.
        time: UnixMillis,
        /// Whether the vault is the user's own.
        own: bool,
    },
    /// The function ran, but its receipt could not be written to disk.
    ReceiptNotKept {
        /// Why.
        error: Box<Self>,
        /// Whether the file is complete, and only a crash of the machine may lose it.
        written: bool,
    },
    /// An error that the printed result already contains.
    Printed(Box<Self>),
    /// The store lacks this number of the catalogue's entries.
    CatalogueDiffers(usize),
    /// `doctor` found this number of problems.
    ProblemsFound(usize),
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
}

/// Why a passphrase cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassphraseError {
    /// There is neither a file with it nor a terminal to type it on.
    Missing,
    /// It is empty, and no export has an empty one.
    Empty,
    /// Its two entries differ.
    Differs,
    /// A new one has fewer characters than this.
    TooShort(usize),
}

/// What a receipt names and its reader can demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongPart {
    /// The function's id, or its owner.
    Function,
    /// The function's checksum.
    FunctionChecksum,
    /// The caller.
    Caller,
}

impl Error {
    /// Makes an [`Error::Io`] of an operation on a path.
    pub fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), kind: error.kind(), number: error.raw_os_error() }
    }

    /// Makes an [`Error::Pipe`].
    pub fn pipe(stream: Stream, error: &io::Error) -> Self {
        Self::Pipe { stream, kind: error.kind(), number: error.raw_os_error() }
    }

    /// The error of a vault's statement, with the advice for the user's own vault if it is `own`.
    pub fn of_vault(self, own: bool) -> Self {
        match self {
            Self::StatementExpired { time, .. } => Self::StatementExpired { time, own },
            error => error,
        }
    }

    /// Whether the command line is what is wrong, so that nothing was begun.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Usage(_)
                | Self::Argument { .. }
                | Self::BadValue { .. }
                | Self::UnusedOption { .. }
                | Self::UnknownException { .. }
                | Self::BadPin { .. }
                | Self::BadUrl(_)
        )
    }

    /// The stable code, on which scripts can rely.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Local(error) | Self::Answered(error) => error.code(),
            Self::Connection { error, .. } => enclave_core::Error::Transport(*error).code(),
            Self::NoPlace { .. } => enclave_core::Error::BUSY.code(),
            Self::TimedOut(_) => "timed-out",
            Self::Usage(_) => "usage",
            Self::Argument { .. }
            | Self::BadValue { .. }
            | Self::UnusedOption { .. }
            | Self::UnknownException { .. } => "bad-argument",
            Self::BadPin { .. } => "bad-pin",
            Self::NoUrl => "no-url",
            Self::BadUrl(_) => "bad-url",
            Self::NoPins(_) => "no-pins",
            Self::RootChanged(_) => "root-changed",
            Self::NotDevelopment(_) => "not-development",
            Self::NotLocal(_) => "development-only",
            Self::Io { kind: io::ErrorKind::NotFound, .. } => "no-such-file",
            Self::Io { kind: io::ErrorKind::StorageFull, .. } | Self::Pipe { kind: io::ErrorKind::StorageFull, .. } => {
                "disk-full"
            }
            Self::Io { kind: io::ErrorKind::PermissionDenied, .. } => "permission-denied",
            Self::Io { .. } | Self::Pipe { .. } => "io",
            Self::NoHome => "no-home",
            Self::Permissions { .. } => "bad-permissions",
            Self::NotYours { .. } => "not-yours",
            Self::Damaged(_) => "damaged-file",
            Self::Newer(_) => "newer-file",
            Self::Older(_) => "older-file",
            Self::NotAFile(_) => "not-a-file",
            Self::Protected { .. } => "protected-file",
            Self::Locked(_) => "locked",
            Self::FileTooLarge { .. } => "too-large",
            Self::Bundle { error, .. } => error.code(),
            Self::UnknownFunction(_) => "unknown-function",
            Self::Deleted { .. } => "deleted",
            Self::NoChecksum(_) => "no-checksum",
            Self::NameTaken(_) => "name-taken",
            Self::UnknownContact(_) => "unknown-contact",
            Self::FingerprintDiffers => "fingerprint-differs",
            Self::NoBinding => "no-binding",
            Self::NoVaultKey => "no-vault-key",
            Self::VaultKeyExists { .. } => "vault-key-exists",
            Self::WrongImage(_) => enclave_core::Error::WrongImage.code(),
            Self::NoKmsKey => "no-kms-key",
            Self::ForeignCiphertext => "foreign-ciphertext",
            Self::UnknownVaultKey => "unknown-vault-key",
            Self::RolledBack { .. } => "rolled-back",
            Self::Equivocation(_) => "equivocation",
            Self::KeyEnded(_) => "key-ended",
            Self::NotAccepted(_) | Self::KeyChanged(_) => "not-accepted",
            Self::NotConfirmed { .. } => "not-confirmed",
            Self::Passphrase(_) => "passphrase",
            Self::IdentityExists(_) => "identity-exists",
            Self::NoIdentity => "no-identity",
            Self::OutputExists(_) => "output-exists",
            Self::IdentityMissing { .. } => "identity-missing",
            Self::OfAnotherIdentity { .. } => "another-identity",
            Self::Measurements(code) => code,
            Self::NotCiphertext(_) => "malformed",
            Self::Wrong { what: WrongPart::Function, .. } => "wrong-function",
            Self::Wrong { what: WrongPart::FunctionChecksum, .. } => "wrong-function-checksum",
            Self::Wrong { what: WrongPart::Caller, .. } => "wrong-caller",
            Self::DevelopmentRoot => "development-root",
            Self::RunFailed(_) => "run-failed",
            Self::StatementExpired { .. } => "expired",
            Self::ReceiptNotKept { error, .. } | Self::Printed(error) => error.code(),
            Self::CatalogueDiffers(_) => "catalogue-differs",
            Self::ProblemsFound(_) => "problems-found",
        }
    }
}

impl From<Box<WrongImage>> for Error {
    fn from(wrong: Box<WrongImage>) -> Self {
        Self::WrongImage(wrong)
    }
}

impl From<enclave_core::Error> for Error {
    fn from(error: enclave_core::Error) -> Self {
        Self::Local(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(error) => f.write_str(&error_text::local(*error)),
            Self::Answered(error) => f.write_str(&error_text::answered(*error)),
            Self::Connection { url, error, sent } => f.write_str(&error_text::connection(url, *error, *sent)),
            Self::NoPlace { url, retry_after: Some(seconds) } => write!(
                f,
                "{url} answered that it has no free place, and nothing was sent: retry in {seconds} s; this answer is not \
                 from the enclave, and nobody vouches for it"
            ),
            Self::NoPlace { url, retry_after: None } => {
                write!(f, "{url} has too many waiting clients and accepts no further one, and nothing was sent: retry later")
            }
            Self::TimedOut(seconds) => write!(
                f,
                "the command did not end within the {seconds} s of --timeout; a request that was already sent may have \
                 been carried out: check before you retry"
            ),
            Self::Usage(text) => f.write_str(text),
            Self::Argument { name, want } => write!(f, "{name} must be {want}"),
            Self::BadValue { name, value, want } => write!(f, "{name} is {value:?}, and must be {want}"),
            Self::UnknownException { name, known } => write!(
                f,
                "--accept names {name:?}, which is no exception: use names of {}, joined by commas",
                known.join(", ")
            ),
            Self::UnusedOption { option, command } => {
                write!(f, "`capelet {command}` does not use {option}: leave this option out")
            }
            Self::BadPin { want } => write!(f, "-p must be {want}"),
            Self::NoUrl => f.write_str(
                "no enclave was named, and not exactly one is pinned: give -u URL, set CAPELET_URL, or run `capelet pin \
                 URL` first",
            ),
            Self::BadUrl(url) => write!(f, "{url:?} is an invalid address: use capelet://HOST[:PORT] or unix:/PATH"),
            Self::NoPins(url) => write!(
                f,
                "no image is pinned for {url}, so nothing was sent: run `capelet pin {url} --measurements FILE` first"
            ),
            Self::RootChanged(url) => write!(
                f,
                "the root of {url} differs from the pinned one, and another party may be answering: if you expect the \
                 change, use `capelet pin --replace`"
            ),
            Self::NotDevelopment(url) => write!(
                f,
                "{url} is under Amazon's root, as the enclaves of all AWS customers are: pin a release's measurements \
                 instead"
            ),
            Self::NotLocal(url) => write!(
                f,
                "a development root is valid on this machine only, and {url} is not on it: pin a release's measurements \
                 instead"
            ),
            Self::Io { doing, path, kind, number } => {
                write!(f, "cannot {doing} {}: {}", path.display(), error_text::system(*kind, *number))
            }
            Self::Pipe { stream, kind, number } => {
                let (name, to_give) = match stream {
                    Stream::Input => ("standard input", "give the program one, for example with < FILE"),
                    Stream::Output => ("standard output", "give the program one, for example with > FILE"),
                };
                f.write_str(&error_text::pipe(name, to_give, *kind, *number))
            }
            Self::NoHome => f.write_str("no folder for your files: set CAPELET_HOME or HOME"),
            Self::Permissions { path, mode, want } => write!(
                f,
                "{path} has mode {mode:04o}, which gives others access: find out who set it, then run `chmod {want:04o} \
                 {path}`",
                path = path.display()
            ),
            Self::NotYours { path, owner } => write!(
                f,
                "{} belongs to the user with id {owner}, who can change it: use a file of your own, or set CAPELET_HOME to \
                 a folder of your own",
                path.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "{} is damaged and was not changed: restore it from a backup, or move it away to start over",
                path.display()
            ),
            Self::Newer(path) => {
                write!(f, "a newer version of capelet wrote {}: use that version", path.display())
            }
            Self::Older(path) => write!(
                f,
                "{} was written by an older Capelet, whose layout this one does not read, and was not changed: set \
                 CAPELET_HOME to a new folder, and bring your identity there with `capelet identity export` and \
                 `import`",
                path.display()
            ),
            Self::NotAFile(path) => {
                write!(f, "{} is not a regular file: move it away, and restore the file", path.display())
            }
            Self::Protected { path, what } => {
                write!(f, "{} is {what} and was not changed: name another file for the output", path.display())
            }
            Self::Locked(path) => {
                write!(f, "another capelet process uses {}: wait until it ends, then retry", path.display())
            }
            Self::FileTooLarge { path, limit } => {
                write!(f, "{} exceeds the limit of {limit} bytes: use a smaller file", path.display())
            }
            Self::Bundle { error, path } => f.write_str(&error.text(path)),
            Self::UnknownFunction(name) => write!(
                f,
                "function {name:?} is not in your catalogue: `capelet list` shows your functions; for another id, give \
                 --function-checksum"
            ),
            Self::Deleted { name, version } => write!(
                f,
                "the last deployment of {name}, version {version}, was deleted: deploy it again, or name an older \
                 version with --function-version"
            ),
            Self::NoChecksum(name) => write!(
                f,
                "the checksum of function {name} in this version is unknown: check --function-version, or give \
                 --function-checksum HEX, which its owner can tell you"
            ),
            Self::NameTaken(name) => write!(f, "the name {name:?} is already in use: choose another name"),
            Self::UnknownContact(name) => write!(
                f,
                "{name:?} is neither in your address book nor an owner's key: run `capelet contact add NAME KEY` with \
                 the key that the owner's `capelet identity show` prints"
            ),
            Self::FingerprintDiffers => f.write_str(
                "the key's fingerprint differs from the one that you gave, and nothing was added: ask the owner for the \
                 key again",
            ),
            Self::NoBinding => f.write_str(
                "no function was named that may read the data: give --for CHECKSUM once for each, or \
                 --any-function-of-owner for all functions that the owner deploys",
            ),
            Self::NoVaultKey => f.write_str("no vault key was found: create one with `capelet key create`"),
            Self::VaultKeyExists { epoch, here: true } => write!(
                f,
                "a vault key with epoch {epoch} already exists: renew it with `capelet key renew`, or make a further one \
                 with --next-epoch"
            ),
            Self::VaultKeyExists { epoch, here: false } => write!(
                f,
                "a vault key with epoch {epoch} already exists, but another image sealed it and alone can use it: make \
                 a further one for this image with --next-epoch, to which senders then encrypt"
            ),
            Self::WrongImage(wrong) => f.write_str(&wrong.text()),
            Self::NoKmsKey => f.write_str("the enclave has no KMS key: name a key of your own with --key ARN"),
            Self::ForeignCiphertext => f.write_str(
                "this was encrypted to a vault key that is not yours: only the owner of that key can use it as input",
            ),
            Self::UnknownVaultKey => f.write_str(
                "this was encrypted to a vault key of yours that neither your catalogue nor the store has: import your \
                 newest export into an empty CAPELET_HOME, or connect to the enclave that made the key",
            ),
            Self::RolledBack { seen, found } => write!(
                f,
                "epoch or version {found} is older than {seen}, which was seen before, and was rejected: the store may \
                 return an old state; ask the owner"
            ),
            Self::Equivocation(epoch) => write!(
                f,
                "two keys of one owner have the epoch {epoch}; both are kept in seen.json: use neither, and ask the owner"
            ),
            Self::KeyEnded(time) => {
                write!(f, "the vault key ended on {}: its owner must run `capelet key renew`", crate::clock::date(*time))
            }
            Self::NotAccepted(exceptions) => write!(
                f,
                "this needs exceptions that were not accepted ({list}): if you accept them, give --accept {list}",
                list = exceptions.join(",")
            ),
            Self::KeyChanged(change) => f.write_str(&change.text()),
            Self::NotConfirmed { asked: true } => f.write_str("not confirmed, so nothing was done"),
            Self::NotConfirmed { asked: false } => f.write_str(
                "this command destroys something, and there is no terminal on which to ask: add --yes; nothing was done",
            ),
            Self::Passphrase(PassphraseError::Missing) => {
                f.write_str("no passphrase was given: use --passphrase-file FILE, or a terminal")
            }
            Self::Passphrase(PassphraseError::Empty) => {
                f.write_str("the passphrase is empty: give the one of the export")
            }
            Self::Passphrase(PassphraseError::Differs) => {
                f.write_str("the two entries of the passphrase differ: run the command again")
            }
            Self::Passphrase(PassphraseError::TooShort(least)) => write!(
                f,
                "the passphrase has fewer than {least} characters: choose a longer one, or leave it empty on a terminal to have \
                 one generated",
            ),
            Self::IdentityExists(path) => write!(
                f,
                "an identity already exists in {} and was not changed: move it away, or set CAPELET_HOME to another folder",
                path.display()
            ),
            Self::NoIdentity => f.write_str(
                "there is no identity yet: `capelet identity show` makes one, `capelet identity import` restores one",
            ),
            Self::OutputExists(path) => write!(
                f,
                "{} exists and was not changed: name another file, or replace it with --force",
                path.display()
            ),
            Self::IdentityMissing { path, owner } => write!(
                f,
                "{} is missing, but the catalogue belongs to {}: restore the file, import your export, or set \
                 CAPELET_HOME to another folder",
                path.display(),
                owner.0.fingerprint()
            ),
            Self::OfAnotherIdentity { path, owner } => write!(
                f,
                "{} belongs to another identity, {}: move it away, or set CAPELET_HOME to that identity's folder",
                path.display(),
                owner.0.fingerprint()
            ),
            Self::Measurements(code) => {
                write!(f, "the measurements are invalid ({code}): use a release's measurements.json or .eif file")
            }
            Self::NotCiphertext(false) => f.write_str(
                "the input begins like a Capelet ciphertext and is not a complete one: give --plain if it is data in the \
                 clear, or --ciphertext with the whole ciphertext",
            ),
            Self::NotCiphertext(true) => f.write_str(
                "the input is not a complete Capelet ciphertext: fetch it again, or give --plain in place of --ciphertext \
                 if it is data in the clear",
            ),
            Self::Wrong { what, wanted, found } => {
                let what = match what {
                    WrongPart::Function => "function",
                    WrongPart::FunctionChecksum => "function checksum",
                    WrongPart::Caller => "caller",
                };
                write!(f, "the receipt is for the {what} {found}, not for {wanted}: ask for the receipt of the right run")
            }
            Self::DevelopmentRoot => f.write_str(
                "the receipt rests on a development root, whose key any machine can make for itself, so that it proves \
                 nothing to anyone else: give --development if you accept it",
            ),
            Self::RunFailed(error) => write!(
                f,
                "the receipt is valid and says that the run failed ({}): give --allow-failed if you accept this",
                error.code()
            ),
            Self::StatementExpired { time, own: true } => write!(
                f,
                "your vault key was last attested on {}, and that is too long ago: run `capelet key renew`",
                crate::clock::date(*time)
            ),
            Self::StatementExpired { time, own: false } => write!(
                f,
                "the newest statement of this vault is of {}, and that is too long ago: ask its owner to run `capelet \
                 key renew`",
                crate::clock::date(*time)
            ),
            Self::Printed(error) => error.fmt(f),
            Self::ReceiptNotKept { error, written: false } => {
                write!(f, "the function ran, but its receipt could not be written and is lost: {error}")
            }
            Self::ReceiptNotKept { error, written: true } => write!(
                f,
                "the function ran, but its receipt may not be on the disk, and a crash of this machine could lose it: \
                 {error}: copy the receipt to another disk"
            ),
            Self::ProblemsFound(count) => {
                let problems = if *count == 1 { "1 problem was" } else { &format!("{count} problems were") };
                write!(f, "{problems} found: do what the findings above say, then run `capelet doctor` again")
            }
            Self::CatalogueDiffers(count) => write!(
                f,
                "the store lacks {count} entries of your catalogue, which are marked above: they were deleted, or the \
                 store withholds them"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Local(error) | Self::Answered(error) => Some(error),
            Self::RunFailed(error) => Some(error),
            Self::ReceiptNotKept { error, .. } | Self::Printed(error) => Some(error),
            _ => None,
        }
    }
}
