//! What can go wrong, as one enum: a stable code, whether to retry, and whose fault it is.

#[cfg(feature = "outside")]
use crate::attestation::DocumentError;
use crate::time::UnixMillis;
use core::fmt;

macro_rules! message_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// Which kind of message an error is about.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum MessageKind {
            $($(#[$doc])* $kind,)*
        }

        impl MessageKind {
            /// The word for it in messages to people.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

message_kinds! {
    /// An item of deterministic CBOR (RFC 8949, 4.2.1) within the protocol's limits.
    Cbor = "CBOR item",
    /// A COSE_Sign1 (RFC 9052, 4.2).
    Sign1 = "signed message",
    /// An attestation document.
    Document = "attestation document",
    /// A certificate of an attestation document's chain.
    Certificate = "certificate",
    /// A frame, a chunk or a message head, of which the length is checked.
    Frame = "frame",
    /// The client's hello.
    Hello = "hello",
    /// The claims of a session.
    SessionClaims = "session claims",
    /// The configuration of an enclave.
    Configuration = "configuration",
    /// A KMS key ARN.
    Arn = "KMS key ARN",
    /// A request or its parameters.
    Request = "request",
    /// A response or its result.
    Response = "response",
    /// A bundle, the canonical form of a function.
    Bundle = "bundle",
    /// A stored object.
    Object = "stored object",
    /// A record: an owner's signature over what an object is.
    Record = "owner's record",
    /// An X-Wing public key.
    Key = "public key",
    /// The claims of a vault key, or its statement.
    Statement = "vault statement",
    /// The header of an encrypted file.
    Ciphertext = "encrypted file",
    /// A receipt or its bundle.
    Receipt = "receipt",
    /// A message from the parent.
    Parent = "message from the parent",
    /// A message from a worker or from PID 1.
    Worker = "message from the worker",
    /// A KMS response (HTTP or JSON).
    Kms = "KMS response",
    /// A text form (`cape:…`, a fingerprint, hexadecimal).
    Text = "text form",
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

impl TransportError {
    const fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::TimedOut => "deadline",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
        }
    }
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

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident $(($value:ty))? $({$($fields:tt)*})? = $code:literal,)*) => {
        /// Every error of the core, one variant for each rule that can be broken.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Error {
            $($(#[$doc])* $name $(($value))? $({$($fields)*})?,)*
            /// A connection or the platform failed.
            Transport(TransportError),
            /// The attestation document cannot be read.
            #[cfg(feature = "outside")]
            Document(DocumentError),
            /// A certificate of the document ended at `time`, before the document's own time `now`.
            #[cfg(feature = "outside")]
            CertificateExpired {
                /// The end of the certificate's validity.
                time: UnixMillis,
                /// The document's time.
                now: UnixMillis,
            },
            /// A certificate of the document begins at `time`, after the document's own time `now`.
            #[cfg(feature = "outside")]
            CertificateNotYetValid {
                /// The beginning of the certificate's validity.
                time: UnixMillis,
                /// The document's time.
                now: UnixMillis,
            },
            /// A pin of this PCR is all zeros, which pins nothing.
            #[cfg(feature = "outside")]
            ZeroPin(u8),
        }

        impl Error {
            /// The stable code that people and scripts see.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)*
                    Self::Transport(error) => error.code(),
                    #[cfg(feature = "outside")]
                    Self::Document(error) => error.code(),
                    #[cfg(feature = "outside")]
                    Self::CertificateExpired { .. } => "expired",
                    #[cfg(feature = "outside")]
                    Self::CertificateNotYetValid { .. } => "not-yet-valid",
                    #[cfg(feature = "outside")]
                    Self::ZeroPin(_) => "zero-pin",
                }
            }
        }
    };
}

errors! {
    /// The message is invalid: it does not have the form that `docs/protocol.md` gives it.
    Malformed(MessageKind) = "malformed",
    /// The message has more bytes, items or levels than allowed.
    TooLarge(MessageKind) = "too-large",
    /// The signature is not verified (RFC 8032, 5.1.7; RFC 9053, 2.1).
    BadSignature = "bad-signature",
    /// The document's certificates do not lead to the pinned root (RFC 5280, 6).
    UntrustedRoot = "untrusted-root",
    /// The document, the certificate or the key, of `time`, is older than allowed.
    Expired {
        /// The time that the message names.
        time: UnixMillis,
        /// The clock that it was compared with.
        now: UnixMillis,
    } = "expired",
    /// The document or the certificate, of `time`, lies in the future.
    NotYetValid {
        /// The time that the message names.
        time: UnixMillis,
        /// The clock that it was compared with.
        now: UnixMillis,
    } = "not-yet-valid",
    /// PCR0, PCR1 or PCR2 is all zeros: the enclave runs in debug mode (AWS Nitro Enclaves User Guide).
    DebugMode = "debug-mode",
    /// No PCRs to compare with.
    NoPins = "no-pins",
    /// The PCR of this index differs from the pin, or is missing.
    PcrMismatch(u8) = "pcr-mismatch",
    /// The image's PCR0 is revoked.
    Revoked = "revoked",
    /// The document has another nonce, or none.
    NonceMismatch = "nonce-mismatch",
    /// The document does not vouch for these claims, or the claims are about another connection.
    ClaimsMismatch = "claims-mismatch",
    /// The claims name another TLS connection (RFC 8446, 7.5): someone terminates TLS in between.
    ExporterMismatch = "exporter-mismatch",
    /// PCR16 is not that of the configuration in the claims.
    ConfigurationMismatch = "configuration-mismatch",
    /// Only an enclave under a development root may lack this configuration or key state.
    DevelopmentOnly = "development-only",
    /// Another owner than the expected one.
    WrongOwner = "wrong-owner",
    /// Another key, epoch or checksum than the expected one.
    WrongKey = "wrong-key",
    /// Another image sealed the object, or the owner's record names another image.
    WrongImage = "wrong-image",
    /// A digest, record or announced length does not match what it describes.
    Mismatch(MessageKind) = "disagrees",
    /// An object, a file or a message cannot be opened: a key share is missing or wrong, or the bytes are damaged.
    CannotOpen = "cannot-open",
    /// The one answer to a caller who is not authorised.
    Refused = "refused",
    /// The KMS key's policy or metadata are not those that the client accepted.
    PolicyChanged = "policy-changed",
    /// The enclave has no room now, and nothing was started (the seconds after which there may be room).
    Busy(u32) = "busy",
    /// The request came after its deadline, or its deadline is too far ahead.
    RequestExpired = "request-expired",
    /// Not found.
    NotFound = "not-found",
    /// An object with this key exists already.
    Exists = "exists",
    /// The function or the input is larger than the configuration allows (the limit in bytes).
    InputLimit(u64) = "input-limit",
    /// The function's output is larger than allowed (the limit in bytes).
    OutputLimit(u64) = "output-limit",
    /// The function ran longer than allowed (the limit in milliseconds).
    TimeLimit(u64) = "time-limit",
    /// The function needed more memory than allowed (the limit in bytes).
    MemoryLimit(u64) = "memory-limit",
    /// The function exceeded its fuel limit, the wide backstop behind the time limit.
    FuelLimit = "fuel-limit",
    /// The module is invalid WebAssembly, or has an unsupported import or export.
    BadModule = "bad-module",
    /// The function trapped.
    Trapped = "trapped",
    /// The function ended with this exit status, not zero.
    ExitStatus(u32) = "exit-status",
    /// The worker exited without reporting how the run ended.
    WorkerDied = "worker-died",
    /// A signal ended the worker that PID 1 did not send, for example because memory was short.
    WorkerKilled = "worker-killed",
    /// KMS denies the key to this enclave.
    KmsDenied = "kms-denied",
    /// KMS reports that the key is not found, disabled, or of another kind.
    KmsKeyUnusable = "kms-key-unusable",
    /// KMS cannot serve now (throttling, internal errors).
    KmsUnavailable = "kms-unavailable",
    /// KMS's response names another key, or contains what it must not.
    KmsMismatch = "kms-mismatch",
    /// The parent failed to do its part.
    ParentFailed = "parent-failed",
}

impl Error {
    /// [`Error::Busy`] where others must end first, which is not foreseen: 5 seconds.
    pub const BUSY: Self = Self::Busy(5);

    /// [`Error::Busy`] until this time.
    pub(crate) fn busy_until(time: UnixMillis, now: UnixMillis) -> Self {
        Self::Busy(u32::try_from(time.since(now).div_ceil(1000)).unwrap_or(u32::MAX).max(1))
    }

    /// Whether the same request may succeed later, unchanged.
    #[cfg(feature = "outside")]
    pub const fn retry(self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::WorkerKilled | Self::KmsUnavailable | Self::ParentFailed | Self::Transport(_)
        )
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
            Self::Busy(_)
            | Self::WorkerKilled
            | Self::Malformed(MessageKind::Worker)
            | Self::Transport(TransportError::Failed) => Fault::Enclave,
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
            #[cfg(feature = "outside")]
            Self::Document(error) => write!(f, ": {error}"),
            #[cfg(feature = "outside")]
            Self::ZeroPin(index) => write!(f, ": PCR{index} is pinned to zeros"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for Error {}
