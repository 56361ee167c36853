//! What the core asks of its environment: blocking calls. Every answer is hostile until it is parsed.

use crate::crypto::Crypto;
use crate::encoding::{Channel, SecretVec};
use crate::error::{Error, TransportError};
use crate::parent::{Answer, Operation, StoreKey};
use crate::state::{Account, SharedState};
use crate::time::UnixMillis;
use crate::types::{Nonce, Pcr};
use alloc::boxed::Box;
use alloc::vec::Vec;
use capelet_abi::{EntryPoint, JobLimits, WorkerReport};
use zeroize::Zeroizing;

/// What a document is for. The core asks the NSM for a purpose and never for free bytes.
#[derive(Clone, Copy, Debug)]
pub enum DocumentPurpose<'a> {
    /// A session: the digest of its claims, and the client's nonce.
    Session {
        /// H("capelet/1/session", claims).
        user_data: &'a [u8; 48],
        /// The hello's nonce.
        nonce: &'a Nonce,
    },
    /// A vault key: the digest of its claims, and the owner's nonce.
    Vault {
        /// H("capelet/1/vault", claims).
        user_data: &'a [u8; 48],
        /// The request's nonce.
        nonce: &'a Nonce,
    },
    /// A KMS call with `Recipient`: the RSA public key, SPKI in DER.
    Kms {
        /// At most 1,024 bytes.
        public_key: &'a [u8],
    },
    /// The time: a document is the only clock that the parent does not set.
    Time,
}

/// The fields of an NSM attestation request.
pub struct DocumentRequest<'a> {
    /// `user_data`, at most 512 bytes.
    pub user_data: &'a [u8],
    /// `nonce`, at most 512 bytes.
    pub nonce: Option<&'a [u8]>,
    /// `public_key`, at most 1,024 bytes.
    pub public_key: Option<&'a [u8]>,
}

impl<'a> DocumentPurpose<'a> {
    /// The fields to ask the NSM for.
    pub fn request(self) -> DocumentRequest<'a> {
        match self {
            Self::Session { user_data, nonce } | Self::Vault { user_data, nonce } => {
                DocumentRequest { user_data, nonce: Some(nonce.as_bytes()), public_key: None }
            }
            Self::Kms { public_key } => {
                DocumentRequest { user_data: b"capelet/1/kms", nonce: None, public_key: Some(public_key) }
            }
            Self::Time => DocumentRequest { user_data: b"capelet/1/time", nonce: None, public_key: None },
        }
    }
}

/// A client's TLS connection after its handshake.
pub trait Connection: Channel {
    /// 32 bytes of the TLS exporter (RFC 8446, 7.5).
    ///
    /// # Errors
    /// A [`TransportError`].
    fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], TransportError>;

    /// Tells the connection whose share its place is of, now that its caller is known. Before that it may keep shorter time
    /// limits, and make room for others.
    ///
    /// # Errors
    /// [`Error::Busy`] if the share is used up.
    fn admit(&mut self, _account: Account) -> Result<(), Error> {
        Ok(())
    }

    /// Tells the connection that from now on `bytes` are to move, in or out. They must not take longer than their number
    /// justifies, whatever the client does.
    fn transfer(&mut self, _bytes: u64) {}

    /// Tells the connection that the transfer is over, and the client may be silent until its next request.
    fn rest(&mut self) {}
}

/// A prepared RSA key of 2,048 bits, consumed by its one use.
pub trait Recipient {
    /// The public key, SPKI in DER.
    fn public_key(&self) -> &[u8];

    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] for every failure alike.
    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;
}

/// One run of a function.
pub struct Job<'a> {
    /// How the function is entered.
    pub entry_point: EntryPoint,
    /// A reactor's handler; empty for a command.
    pub handler: &'a str,
    /// The arguments.
    pub arguments: &'a [&'a str],
    /// The WebAssembly module. The core never parses it.
    pub module: &'a [u8],
    /// Read-only files, by path.
    pub files: &'a [(&'a str, &'a [u8])],
    /// The input.
    pub input: &'a [u8],
    /// Memory, output and fuel.
    pub limits: JobLimits,
    /// Wall time, in milliseconds.
    pub time: u64,
    /// Whose share of the places for workers it uses.
    pub account: Account,
    /// The run must start within this many milliseconds; after that the request's deadline has passed.
    pub start_within: u64,
    /// The time that the function is told.
    pub now: UnixMillis,
}

impl Job<'_> {
    /// The bytes of files and input together.
    pub fn data_len(&self) -> usize {
        self.files.iter().map(|(_, content)| content.len()).sum::<usize>() + self.input.len()
    }
}

/// What a worker gave.
pub struct RunOutput {
    /// How the run ended.
    pub outcome: RunOutcome,
    /// The output, at most `limits.output` bytes.
    pub output: SecretVec,
    /// What the function wrote to stderr, cut at [`MAX_DIAGNOSTIC`](capelet_abi::MAX_DIAGNOSTIC).
    pub diagnostic: Zeroizing<Vec<u8>>,
}

/// How a run ended. PID 1's word overrides the worker's: a worker that PID 1 killed, or that a signal ended, never
/// succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// As the worker reports; PID 1 saw it exit with status 0.
    Reported(WorkerReport),
    /// PID 1 killed the worker at its time limit.
    TimedOut,
    /// The worker exited with another status, or it did not report how the run ended.
    Died,
    /// A signal ended the worker that PID 1 did not send, or its output found no memory.
    Killed,
}

/// Why a run gave no [`RunOutput`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkError {
    /// No worker was started.
    NotStarted(Error),
    /// A worker was started, and the platform lost it.
    Lost(TransportError),
}

/// The environment of one enclave. One value per boot, shared by the threads of its sessions.
///
/// # Errors
/// The platform keeps all time limits. A call that exceeds one fails with [`TransportError::TimedOut`]. A service that
/// cannot be reached is [`TransportError::Unreachable`], a connection that broke [`TransportError::Closed`], and a failure
/// of the platform itself [`TransportError::Failed`].
#[allow(clippy::missing_errors_doc, reason = "the trait's documentation states them")]
pub trait Platform: Sync {
    /// The injected cryptography.
    type Crypto: Crypto;
    /// A connection to KMS.
    type Kms: Channel;

    /// Fills `out` from the kernel's pool and the NSM's, mixed; fails if either does.
    fn random(&self, out: &mut [u8]) -> Result<(), TransportError>;

    /// A fresh document from the NSM.
    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError>;

    /// PCR0 of this enclave, as the NSM has it.
    fn image(&self) -> Result<Pcr, TransportError>;

    /// Waits a few milliseconds for another thread.
    fn pause(&self);

    /// Milliseconds since some moment of this boot, never going back. For the time see [`now`](crate::state::now).
    fn elapsed(&self) -> u64;

    /// Asks the parent.
    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error>;

    /// Asks the parent for what is stored under `key`. `admit` is told the length; if it fails, nothing is read. A
    /// platform that has the bytes in memory anyway need not override this.
    fn load(&self, key: StoreKey, admit: &mut dyn FnMut(u64) -> Result<(), Error>) -> Result<Answer, Error> {
        let answer = self.parent(Operation::Get(key))?;
        if let Answer::Body(bytes) = &answer {
            admit(bytes.len() as u64)?;
        }
        Ok(answer)
    }

    /// A TLS connection to KMS at `host`, through the parent's relay. The certificate is for `host`, under the
    /// compiled-in roots.
    fn kms(&self, host: &str) -> Result<Self::Kms, TransportError>;

    /// An RSA key for one KMS call.
    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError>;

    /// Runs a function in a worker of its own. It calls `admit` and then starts the worker; if `admit` fails, nothing is
    /// started. While `admit` says [`Error::Busy`], the run waits until another one has ended, and [`Error::Busy`] if
    /// that takes too long.
    fn work(&self, job: &Job<'_>, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError>;

    /// Runs `f` on the state that sessions share, while no other thread does. `f` makes no other call of the platform.
    fn shared<R>(&self, f: impl FnOnce(&mut SharedState) -> R) -> R;
}
