//! What can go wrong in the client: a stable code for scripts, a sentence that says what to do for people.

use crate::advice;
use crate::fault::FolderFault;
use enclave_core::error::Down;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Every error of the client.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// Evidence, a structure or a key that was judged here.
    Judged(enclave_core::Error),
    /// What an attested enclave answered.
    Answered(enclave_core::Error),
    /// The connection to this address failed.
    Connection {
        /// The address.
        url: String,
        /// How it failed.
        down: Down,
    },
    /// The command line is not understood; the parser's own words.
    Usage(String),
    /// An argument is not of its form.
    Argument {
        /// Which argument.
        name: &'static str,
        /// What it must be.
        want: &'static str,
    },
    /// PCRs to pin that are not of their form.
    BadPin {
        /// What they must be.
        want: &'static str,
    },
    /// No enclave was named and none can be guessed.
    NoUrl,
    /// An address that is neither `capelet://HOST[:PORT]` nor `unix:/PATH`.
    BadUrl(String),
    /// No trust entry for this address: nothing is sent to it.
    NoPins(String),
    /// The address has a trust entry under another root.
    RootChanged(String),
    /// Trust on first use of an enclave that is not under a development root.
    NotDevelopment(String),
    /// A development root beyond this machine.
    NotLocal(String),
    /// A file or folder cannot be used.
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Standard output or input broke.
    Pipe(io::ErrorKind),
    /// Neither `CAPELET_HOME` nor `HOME` says where to keep things.
    NoHome,
    /// A file or folder that others may read or change.
    Permissions {
        /// Which one.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What it must be.
        want: u32,
    },
    /// A file or folder that belongs to another user.
    NotYours {
        /// Which one.
        path: PathBuf,
        /// Whose it is: a user id.
        owner: u32,
    },
    /// A file of the client's own that cannot be read.
    Damaged(PathBuf),
    /// A file of the client's own, written by a newer client.
    Newer(PathBuf),
    /// Another client holds the lock for too long.
    Locked(PathBuf),
    /// A file over its limit, in bytes.
    FileTooLarge {
        /// Which one.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// A folder that cannot become a bundle.
    Folder {
        /// What is wrong.
        fault: FolderFault,
        /// Where.
        path: PathBuf,
    },
    /// No function of this name or id in the catalogue.
    UnknownFunction(String),
    /// The function is known, its checksum is not.
    NoChecksum(String),
    /// The name stands for another thing already.
    NameTaken(String),
    /// Nobody of this name in the address book, and it is no owner's key.
    UnknownContact(String),
    /// The key has another fingerprint than the one that was said.
    FingerprintDiffers,
    /// Encrypting to somebody else without saying for which functions.
    NoBinding,
    /// There is no vault key to encrypt to, nor one that can be renewed.
    NoVaultKey,
    /// There is a vault key already.
    VaultKeyExists(u64),
    /// The enclave has no KMS key and none was named.
    NoKmsKey,
    /// No epoch of the client's own state fits this ciphertext's key.
    ForeignCiphertext,
    /// A lower version or epoch than one seen before.
    RolledBack {
        /// The highest seen.
        seen: u64,
        /// What came.
        found: u64,
    },
    /// Two keys for one epoch of one owner; both were kept.
    Equivocation(u64),
    /// The vault key ended at this time (milliseconds since 1970).
    KeyEnded(u64),
    /// Exceptions that must be named with `--accept`.
    NotAccepted(Vec<&'static str>),
    /// The two entries of a passphrase differ, or it is empty.
    Passphrase,
    /// There is an identity already.
    IdentityExists(PathBuf),
    /// An .eif or a file of measurements cannot be used; the reader's code.
    Measurements(&'static str),
    /// A run's result was printed, its receipt could not be written.
    ReceiptNotKept(Box<Self>),
    /// `list` and the catalogue differ.
    CatalogueDiffers(usize),
}

impl Error {
    /// An I/O error with what was tried.
    pub fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), kind: error.kind() }
    }

    /// The stable code that scripts rely on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Judged(error) | Self::Answered(error) => error.code(),
            Self::Connection { down, .. } => enclave_core::Error::Down(*down).code(),
            Self::Usage(_) => "usage",
            Self::Argument { .. } => "bad-argument",
            Self::BadPin { .. } => "bad-pin",
            Self::NoUrl => "no-url",
            Self::BadUrl(_) => "bad-url",
            Self::NoPins(_) => "no-pins",
            Self::RootChanged(_) => "root-changed",
            Self::NotDevelopment(_) => "not-development",
            Self::NotLocal(_) => "development-only",
            Self::Io { kind: io::ErrorKind::NotFound, .. } => "no-such-file",
            Self::Io { kind: io::ErrorKind::StorageFull, .. } | Self::Pipe(io::ErrorKind::StorageFull) => "disk-full",
            Self::Io { kind: io::ErrorKind::PermissionDenied, .. } => "permission-denied",
            Self::Io { .. } | Self::Pipe(_) => "io",
            Self::NoHome => "no-home",
            Self::Permissions { .. } => "bad-permissions",
            Self::NotYours { .. } => "not-yours",
            Self::Damaged(_) => "damaged-file",
            Self::Newer(_) => "newer-file",
            Self::Locked(_) => "locked",
            Self::FileTooLarge { .. } => "too-large",
            Self::Folder { fault, .. } => fault.code(),
            Self::UnknownFunction(_) => "unknown-function",
            Self::NoChecksum(_) => "no-checksum",
            Self::NameTaken(_) => "name-taken",
            Self::UnknownContact(_) => "unknown-contact",
            Self::FingerprintDiffers => "fingerprint-differs",
            Self::NoBinding => "no-binding",
            Self::NoVaultKey => "no-vault-key",
            Self::VaultKeyExists(_) => "vault-key-exists",
            Self::NoKmsKey => "no-kms-key",
            Self::ForeignCiphertext => "foreign-ciphertext",
            Self::RolledBack { .. } => "rolled-back",
            Self::Equivocation(_) => "equivocation",
            Self::KeyEnded(_) => "key-ended",
            Self::NotAccepted(_) => "not-accepted",
            Self::Passphrase => "passphrase",
            Self::IdentityExists(_) => "identity-exists",
            Self::Measurements(code) => code,
            Self::ReceiptNotKept(error) => error.code(),
            Self::CatalogueDiffers(_) => "catalogue-differs",
        }
    }
}

impl From<enclave_core::Error> for Error {
    fn from(error: enclave_core::Error) -> Self {
        Self::Judged(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Judged(error) => f.write_str(&advice::judged(*error)),
            Self::Answered(error) => f.write_str(&advice::answered(*error)),
            Self::Connection { url, down } => f.write_str(&advice::connection(url, *down)),
            Self::Usage(words) => write!(f, "{words}; `capelet --help` shows how"),
            Self::Argument { name, want } => write!(f, "{name} must be {want}"),
            Self::BadPin { want } => write!(f, "-p must be {want}"),
            Self::NoUrl => f.write_str(
                "no enclave was named, and not exactly one is pinned: say -u URL, set CAPELET_URL, or `capelet pin URL` \
                 first",
            ),
            Self::BadUrl(url) => write!(f, "{url:?} is no address: say capelet://HOST[:PORT] or unix:/PATH"),
            Self::NoPins(url) => {
                write!(
                    f,
                    "nothing is pinned for {url}, so nothing was sent: `capelet pin {url} --measurements FILE` first"
                )
            }
            Self::RootChanged(url) => write!(
                f,
                "{url} was pinned under another root than the one that signs there now: if you know why, \
                 `capelet pin --replace` it; if not, somebody else may be answering"
            ),
            Self::NotDevelopment(url) => write!(
                f,
                "{url} is under Amazon's root, where any customer's enclave is: pin a release's measurements instead"
            ),
            Self::NotLocal(url) => {
                write!(f, "a development root speaks for this machine only, and {url} is not on it: pin measurements")
            }
            Self::Io { doing, path, kind } => write!(f, "cannot {doing} {}: {kind}", path.display()),
            Self::Pipe(kind) => write!(f, "standard input or output broke: {kind}"),
            Self::NoHome => f.write_str("there is no place for your identity: set CAPELET_HOME or HOME"),
            Self::Permissions { path, mode, want } => write!(
                f,
                "{path} has mode {mode:04o}, so that others may use it: `chmod {want:04o} {path}`, and ask yourself who did",
                path = path.display()
            ),
            Self::NotYours { path, owner } => write!(
                f,
                "{} belongs to the user with id {owner}, who may put into it what she likes: use a folder of your own \
                 (CAPELET_HOME)",
                path.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "{} is damaged and was left as it is: restore it from a backup, or move it away to begin anew",
                path.display()
            ),
            Self::Newer(path) => write!(f, "{} was written by a newer capelet: use that one", path.display()),
            Self::Locked(path) => {
                write!(f, "another capelet is at work in {}: wait for it, then say the same again", path.display())
            }
            Self::FileTooLarge { path, limit } => {
                write!(f, "{} is larger than {limit} bytes, the most that is taken here", path.display())
            }
            Self::Folder { fault, path } => f.write_str(&fault.advice(path)),
            Self::UnknownFunction(name) => write!(
                f,
                "no function {name:?} in your catalogue: `capelet list` shows what you have; for another id say \
                 --function-checksum"
            ),
            Self::NoChecksum(name) => {
                write!(f, "which code {name} is must be said: --function-checksum HEX, as its owner gave it to you")
            }
            Self::NameTaken(name) => write!(f, "{name:?} stands for something else already: choose another name"),
            Self::UnknownContact(name) => write!(
                f,
                "{name:?} is neither in your address book nor an owner's key: `capelet contact add NAME KEY` with the \
                 key from her `capelet identity show`"
            ),
            Self::FingerprintDiffers => {
                f.write_str("the key has another fingerprint than the one you gave: it is not hers; nothing was added")
            }
            Self::NoBinding => f.write_str(
                "say which code may read it: --for CHECKSUM, once for each, or --any-function-of-owner if whatever she \
                 deploys may",
            ),
            Self::NoVaultKey => f.write_str("there is no vault key: `capelet key create` makes one"),
            Self::VaultKeyExists(epoch) => write!(
                f,
                "there is a vault key already, epoch {epoch}: `capelet key renew` renews it; --next-epoch makes another beside \
                 it"
            ),
            Self::NoKmsKey => f.write_str("the enclave has no KMS key: name one of your own with --key ARN"),
            Self::ForeignCiphertext => f.write_str(
                "this was encrypted to a vault key that is not among yours: only its owner can have it opened",
            ),
            Self::RolledBack { seen, found } => write!(
                f,
                "{found} is older than {seen}, which you have seen before: somebody answers with an old state, and it was \
                 refused"
            ),
            Self::Equivocation(epoch) => write!(
                f,
                "there are two keys for epoch {epoch} of one owner; both were kept in seen.json: ask her, and use neither"
            ),
            Self::KeyEnded(time) => {
                write!(f, "the vault key was good until {}: its owner must renew it", crate::clock::date(*time))
            }
            Self::NotAccepted(exceptions) => write!(
                f,
                "this holds only with exceptions ({list}): if they are acceptable to you, say --accept {list}",
                list = exceptions.join(",")
            ),
            Self::Passphrase => {
                f.write_str("a passphrase is needed, twice the same: --passphrase-file FILE, or a terminal")
            }
            Self::IdentityExists(path) => write!(
                f,
                "there is an identity in {} already, and it was left as it is: move it away, or set CAPELET_HOME elsewhere",
                path.display()
            ),
            Self::Measurements(code) => {
                write!(f, "the measurements cannot be used ({code}): take a release's measurements.json or .eif file")
            }
            Self::ReceiptNotKept(error) => write!(f, "the run was made, and its receipt is lost: {error}"),
            Self::CatalogueDiffers(count) => write!(
                f,
                "the store and your catalogue differ in {count} places, listed above: what is missing was deleted, or is \
                 withheld"
            ),
        }
    }
}

impl std::error::Error for Error {}
