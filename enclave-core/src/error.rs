//! What can go wrong, as one enum: a stable code, whether to try again, and whose fault it is.

use core::fmt;

/// Which structure was not of its form.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An item that is not deterministic CBOR (RFC 8949, 4.2.1) within the protocol's limits.
    Cbor,
    /// A COSE_Sign1 (RFC 9052) other than the expected kind.
    Sign1,
    /// An attestation document.
    Document,
    /// A certificate of an attestation document's chain.
    Certificate,
    /// A frame, a chunk or a head whose length is out of bounds.
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
    /// A record by which an owner vouches for an object.
    Record,
    /// A public key of X-Wing.
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
    Job,
    /// A KMS response (HTTP or JSON).
    Kms,
    /// A text form (`cape:…`, a fingerprint, hexadecimal).
    Text,
}

/// Why the platform could not do what it was asked. Deadlines belong to the driver and come back as one of these.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// The other side closed the connection, or it broke.
    Closed,
    /// The deadline passed.
    Deadline,
    /// The service could not be reached.
    Unreachable,
    /// The platform itself failed: the NSM, the random source, PID 1.
    Failed,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever sent the bytes or asked for the thing.
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

/// Every error of the core.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Bytes that are not of their form.
    Malformed(Part),
    /// More bytes, items or depth than allowed.
    TooLarge(Part),
    /// A signature does not verify.
    BadSignature,
    /// The chain of a document does not lead to the pinned root.
    UntrustedRoot,
    /// The document, at `time`, is older than allowed (all in milliseconds since 1970).
    Expired {
        /// The document's timestamp.
        time: u64,
        /// The clock it was judged by.
        now: u64,
    },
    /// The document, at `time`, lies in the future of `now` (milliseconds since 1970).
    NotYetValid {
        /// The document's timestamp.
        time: u64,
        /// The clock it was judged by.
        now: u64,
    },
    /// PCR0, PCR1 or PCR2 is all zeros: the enclave runs in debug mode.
    DebugMode,
    /// There is nothing to compare PCRs with.
    NoPins,
    /// The PCR of this index differs from the pin, or is missing.
    PcrMismatch(u8),
    /// The image was pinned once and is now revoked.
    Revoked,
    /// The document carries another nonce, or none.
    NonceMismatch,
    /// The document does not speak of these claims, or the claims of this connection.
    ClaimsMismatch,
    /// The claims speak of another TLS connection: somebody stands between.
    ExporterMismatch,
    /// PCR16 is not that of the configuration in the claims.
    ConfigurationMismatch,
    /// A configuration or a key state that only a development root may have.
    DevelopmentOnly,
    /// An identity other than the expected one.
    WrongOwner,
    /// A key, epoch or checksum other than the expected one.
    WrongKey,
    /// A commitment, digest or record disagrees with what it stands for.
    Disagrees(Part),
    /// An object, a file or a message cannot be opened: a missing or wrong half, a wrong key, damage.
    CannotOpen,
    /// The one answer to whoever may not do what he asks.
    Refused,
    /// The policy or the facts of the KMS key are not those that the client judged.
    PolicyChanged,
    /// Too much is going on; nothing was started.
    Busy,
    /// The request came after its not-after, or names a time too far ahead.
    RequestExpired,
    /// No such object.
    NotFound,
    /// An object of this key is there already.
    Exists,
    /// The function or the input is larger than the configuration allows (the limit in bytes).
    InputLimit(u64),
    /// The function's output is larger than allowed (the limit in bytes).
    OutputLimit(u64),
    /// The function ran longer than allowed (the limit in milliseconds).
    TimeLimit(u64),
    /// The function needed more memory than allowed (the limit in bytes).
    MemoryLimit(u64),
    /// The function spent its fuel, the wide backstop behind the time limit.
    FuelLimit,
    /// The module is not valid WebAssembly, or imports or exports what it may not.
    BadModule,
    /// The function trapped.
    Trapped,
    /// The function ended with this exit status, not zero.
    ExitStatus(u32),
    /// The worker was ended by a signal or did not say how it ended.
    WorkerDied,
    /// KMS refuses the key to this enclave.
    KmsDenied,
    /// KMS says that the key is not there, disabled, or of another kind.
    KmsKeyUnusable,
    /// KMS cannot serve now (throttling, its own errors).
    KmsUnavailable,
    /// KMS' answer speaks of another key, or holds what it must not.
    KmsMismatch,
    /// The parent failed to do a thing that it is there for.
    ParentFailed,
    /// The platform is down.
    Down(Down),
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
            Self::Disagrees(_) => "disagrees",
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
            Self::Down(Down::Closed) => "closed",
            Self::Down(Down::Deadline) => "deadline",
            Self::Down(Down::Unreachable) => "unreachable",
            Self::Down(Down::Failed) => "failed",
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub const fn retry(self) -> bool {
        matches!(self, Self::Busy | Self::KmsUnavailable | Self::ParentFailed | Self::Down(_))
    }

    /// Whose fault it is, as far as one can tell.
    pub const fn fault(self) -> Fault {
        match self {
            Self::Malformed(Part::Parent) | Self::ParentFailed | Self::Down(Down::Unreachable) => Fault::Parent,
            Self::Malformed(Part::Kms)
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
            Self::Busy | Self::Malformed(Part::Job) | Self::Down(Down::Failed) => Fault::Enclave,
            _ => Fault::Peer,
        }
    }
}

impl From<Down> for Error {
    fn from(down: Down) -> Self {
        Self::Down(down)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(part) => write!(f, "{}: {part:?} is not of its form", self.code()),
            Self::TooLarge(part) => write!(f, "{}: {part:?} is over its limit", self.code()),
            Self::Disagrees(part) => write!(f, "{}: {part:?} disagrees with what it stands for", self.code()),
            Self::PcrMismatch(index) => write!(f, "{}: PCR{index} is not the pinned one", self.code()),
            Self::ExitStatus(status) => write!(f, "{}: the function ended with status {status}", self.code()),
            _ => f.write_str(self.code()),
        }
    }
}

impl core::error::Error for Error {}
