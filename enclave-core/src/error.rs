//! What can go wrong, as one enum: a stable code, whether to retry, and whose fault it is.

use crate::time::UnixMillis;
use core::fmt;

/// Which kind of message an error is about.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// An item of deterministic CBOR (RFC 8949, 4.2.1) within the protocol's limits.
    Cbor,
    /// A COSE_Sign1 (RFC 9052, 4.2).
    Sign1,
    /// An attestation document.
    Document,
    /// A certificate of an attestation document's chain.
    Certificate,
    /// A frame, a chunk or a message head, of which the length is checked.
    Frame,
    /// The client's hello.
    Hello,
    /// The claims of a session.
    SessionClaims,
    /// The configuration of an enclave.
    Configuration,
    /// A KMS key ARN.
    Arn,
    /// A request or its parameters.
    Request,
    /// A response or its result.
    Response,
    /// A bundle, the canonical form of a function.
    Bundle,
    /// A stored object.
    Object,
    /// A record: an owner's signature over what an object is.
    Record,
    /// An X-Wing public key.
    Key,
    /// The claims of a vault key, or its statement.
    Statement,
    /// The header of an encrypted file.
    Ciphertext,
    /// A receipt or its bundle.
    Receipt,
    /// A message from the parent.
    Parent,
    /// A message from a worker or from PID 1.
    Worker,
    /// A KMS response (HTTP or JSON).
    Kms,
    /// A text form (`cape:…`, a fingerprint, hexadecimal).
    Text,
}

impl MessageKind {
    /// The word for it in messages to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cbor => "CBOR item",
            Self::Sign1 => "signed message",
            Self::Document => "attestation document",
            Self::Certificate => "certificate",
            Self::Frame => "frame",
            Self::Hello => "hello",
            Self::SessionClaims => "session claims",
            Self::Configuration => "configuration",
            Self::Arn => "KMS key ARN",
            Self::Request => "request",
            Self::Response => "response",
            Self::Bundle => "bundle",
            Self::Object => "stored object",
            Self::Record => "owner's record",
            Self::Key => "public key",
            Self::Statement => "vault statement",
            Self::Ciphertext => "encrypted file",
            Self::Receipt => "receipt",
            Self::Parent => "message from the parent",
            Self::Worker => "message from the worker",
            Self::Kms => "KMS response",
            Self::Text => "text form",
        }
    }
}

/// Why a connection or a call of the platform failed. The platform keeps the time limits; the core sees the result.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The other side closed the connection, or the connection broke.
    Closed,
    /// The time limit passed.
    TimedOut,
    /// The service could not be reached.
    Unreachable,
    /// The platform itself failed: the NSM, the random source, PID 1.
    Failed,
}

/// Whose fault an error is.
#[cfg(feature = "outside")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Who sent the bytes or made the request.
    Caller,
    /// The function that ran.
    Function,
    /// The other side of the connection: its evidence, its protocol.
    Peer,
    /// The parent, its store or the network.
    Parent,
    /// KMS or its policy.
    Kms,
    /// The enclave.
    Enclave,
}

/// Every error of the core, one variant for each rule that can be broken.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The message is invalid: it does not have the form that `docs/protocol.md` gives it.
    Malformed(MessageKind),
    /// The message has more bytes, items or levels than allowed.
    TooLarge(MessageKind),
    /// The signature is not verified (RFC 8032, 5.1.7; RFC 9053, 2.1).
    BadSignature,
    /// The document's certificates do not lead to the pinned root (RFC 5280, 6).
    UntrustedRoot,
    /// The document, the certificate or the key, of `time`, is older than allowed.
    Expired {
        /// The time that the message names.
        time: UnixMillis,
        /// The clock that it was compared with.
        now: UnixMillis,
    },
    /// The document or the certificate, of `time`, lies in the future.
    NotYetValid {
        /// The time that the message names.
        time: UnixMillis,
        /// The clock that it was compared with.
        now: UnixMillis,
    },
    /// PCR0, PCR1 or PCR2 is all zeros: the enclave runs in debug mode (AWS Nitro Enclaves User Guide).
    DebugMode,
    /// No PCRs to compare with.
    NoPins,
    /// The PCR of this index differs from the pin, or is missing.
    PcrMismatch(u8),
    /// The image's PCR0 is revoked.
    Revoked,
    /// The document has another nonce, or none.
    NonceMismatch,
    /// The document does not vouch for these claims, or the claims are about another connection.
    ClaimsMismatch,
    /// The claims name another TLS connection (RFC 8446, 7.5): someone terminates TLS in between.
    ExporterMismatch,
    /// PCR16 is not that of the configuration in the claims.
    ConfigurationMismatch,
    /// Only an enclave under a development root may lack this configuration or key state.
    DevelopmentOnly,
    /// Another owner than the expected one.
    WrongOwner,
    /// Another key, epoch or checksum than the expected one.
    WrongKey,
    /// A digest, record or announced length does not match what it describes.
    Mismatch(MessageKind),
    /// An object, a file or a message cannot be opened: a key share is missing or wrong, or the bytes are damaged.
    CannotOpen,
    /// The one answer to a caller who is not authorised.
    Refused,
    /// The KMS key's policy or metadata are not those that the client accepted.
    PolicyChanged,
    /// The enclave has no room now; nothing was started.
    Busy,
    /// The request came after its deadline, or its deadline is too far ahead.
    RequestExpired,
    /// Not found.
    NotFound,
    /// An object with this key exists already.
    Exists,
    /// The function or the input is larger than the configuration allows (the limit in bytes).
    InputLimit(u64),
    /// The function's output is larger than allowed (the limit in bytes).
    OutputLimit(u64),
    /// The function ran longer than allowed (the limit in milliseconds).
    TimeLimit(u64),
    /// The function needed more memory than allowed (the limit in bytes).
    MemoryLimit(u64),
    /// The function exceeded its fuel limit, the wide backstop behind the time limit.
    FuelLimit,
    /// The module is invalid WebAssembly, or has an unsupported import or export.
    BadModule,
    /// The function trapped.
    Trapped,
    /// The function ended with this exit status, not zero.
    ExitStatus(u32),
    /// A signal ended the worker, or it did not report how the run ended.
    WorkerDied,
    /// KMS denies the key to this enclave.
    KmsDenied,
    /// KMS reports that the key is not found, disabled, or of another kind.
    KmsKeyUnusable,
    /// KMS cannot serve now (throttling, internal errors).
    KmsUnavailable,
    /// KMS's response names another key, or contains what it must not.
    KmsMismatch,
    /// The parent failed to do its part.
    ParentFailed,
    /// A connection or the platform failed.
    Transport(TransportError),
}

impl Error {
    /// The stable code that people and scripts see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::TooLarge(_) => "too-large",
            Self::BadSignature => "bad-signature",
            Self::UntrustedRoot => "untrusted-root",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::DebugMode => "debug-mode",
            Self::NoPins => "no-pins",
            Self::PcrMismatch(_) => "pcr-mismatch",
            Self::Revoked => "revoked",
            Self::NonceMismatch => "nonce-mismatch",
            Self::ClaimsMismatch => "claims-mismatch",
            Self::ExporterMismatch => "exporter-mismatch",
            Self::ConfigurationMismatch => "configuration-mismatch",
            Self::DevelopmentOnly => "development-only",
            Self::WrongOwner => "wrong-owner",
            Self::WrongKey => "wrong-key",
            // Scripts know it by this word.
            Self::Mismatch(_) => "disagrees",
            Self::CannotOpen => "cannot-open",
            Self::Refused => "refused",
            Self::PolicyChanged => "policy-changed",
            Self::Busy => "busy",
            Self::RequestExpired => "request-expired",
            Self::NotFound => "not-found",
            Self::Exists => "exists",
            Self::InputLimit(_) => "input-limit",
            Self::OutputLimit(_) => "output-limit",
            Self::TimeLimit(_) => "time-limit",
            Self::MemoryLimit(_) => "memory-limit",
            Self::FuelLimit => "fuel-limit",
            Self::BadModule => "bad-module",
            Self::Trapped => "trapped",
            Self::ExitStatus(_) => "exit-status",
            Self::WorkerDied => "worker-died",
            Self::KmsDenied => "kms-denied",
            Self::KmsKeyUnusable => "kms-key-unusable",
            Self::KmsUnavailable => "kms-unavailable",
            Self::KmsMismatch => "kms-mismatch",
            Self::ParentFailed => "parent-failed",
            Self::Transport(TransportError::Closed) => "closed",
            Self::Transport(TransportError::TimedOut) => "deadline",
            Self::Transport(TransportError::Unreachable) => "unreachable",
            Self::Transport(TransportError::Failed) => "failed",
        }
    }

    /// Whether the same request may succeed later, unchanged.
    #[cfg(feature = "outside")]
    pub const fn retry(self) -> bool {
        matches!(self, Self::Busy | Self::KmsUnavailable | Self::ParentFailed | Self::Transport(_))
    }

    /// Whose fault it is, as far as can be known.
    #[cfg(feature = "outside")]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Malformed(MessageKind::Parent)
            | Self::ParentFailed
            | Self::Transport(TransportError::Unreachable) => Fault::Parent,
            Self::Malformed(MessageKind::Kms)
            | Self::KmsDenied
            | Self::KmsKeyUnusable
            | Self::KmsUnavailable
            | Self::KmsMismatch
            | Self::PolicyChanged => Fault::Kms,
            Self::OutputLimit(_)
            | Self::TimeLimit(_)
            | Self::MemoryLimit(_)
            | Self::FuelLimit
            | Self::BadModule
            | Self::Trapped
            | Self::ExitStatus(_)
            | Self::WorkerDied => Fault::Function,
            Self::Refused
            | Self::NotFound
            | Self::Exists
            | Self::RequestExpired
            | Self::CannotOpen
            | Self::InputLimit(_) => Fault::Caller,
            Self::Busy | Self::Malformed(MessageKind::Worker) | Self::Transport(TransportError::Failed) => {
                Fault::Enclave
            }
            _ => Fault::Peer,
        }
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        match self {
            Self::Malformed(kind) => write!(f, ": invalid {}", kind.name()),
            Self::TooLarge(kind) => write!(f, ": the {} exceeds its size limit", kind.name()),
            Self::Mismatch(kind) => write!(f, ": the {} does not match its description", kind.name()),
            Self::PcrMismatch(index) => write!(f, ": PCR{index} differs from the pinned value"),
            Self::ExitStatus(status) => write!(f, ": the function ended with status {status}"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for Error {}
