//! What the core asks of its surroundings: blocking calls, each answer hostile until parsed.

use crate::crypto::Crypto;
use crate::error::{Down, Error};
use crate::parent::{Answer, Key, Operation};
use alloc::boxed::Box;
use alloc::vec::Vec;
use capelet_abi::job::{Kind, Limits};
use capelet_abi::outcome::End;
use zeroize::Zeroizing;

/// What a document is for. The core asks the NSM for a purpose, never for free bytes.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// A session: the digest of its claims and the client's nonce.
    Session {
        /// H("capelet/1/session", claims).
        user_data: &'a [u8; 48],
        /// The hello's nonce.
        nonce: &'a [u8; 32],
    },
    /// A vault key: the digest of its claims and the owner's nonce.
    Vault {
        /// H("capelet/1/vault", claims).
        user_data: &'a [u8; 48],
        /// The request's nonce.
        nonce: &'a [u8; 32],
    },
    /// A KMS call with `Recipient`: the RSA public key, SPKI in DER.
    Kms {
        /// At most 1,024 bytes.
        public_key: &'a [u8],
    },
    /// The time: a document is the only clock that the parent does not set.
    Time,
}

/// The fields of an NSM attestation request that a purpose comes to.
pub struct DocumentRequest<'a> {
    /// `user_data`, at most 512 bytes.
    pub user_data: &'a [u8],
    /// `nonce`, at most 512 bytes.
    pub nonce: Option<&'a [u8]>,
    /// `public_key`, at most 1,024 bytes.
    pub public_key: Option<&'a [u8]>,
}

impl<'a> Purpose<'a> {
    /// The fields to ask for.
    pub fn request(self) -> DocumentRequest<'a> {
        match self {
            Self::Session { user_data, nonce } | Self::Vault { user_data, nonce } => {
                DocumentRequest { user_data, nonce: Some(nonce), public_key: None }
            }
            Self::Kms { public_key } => {
                DocumentRequest { user_data: b"capelet/1/kms", nonce: None, public_key: Some(public_key) }
            }
            Self::Time => DocumentRequest { user_data: b"capelet/1/time", nonce: None, public_key: None },
        }
    }
}

/// Bytes both ways. Deadlines are the driver's.
pub trait Channel {
    /// Reads at least one byte into `buffer`; 0 only at an orderly end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Down>;

    /// Writes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Down>;
}

/// A client's TLS connection after its handshake.
pub trait Connection: Channel {
    /// 32 bytes of the TLS exporter (RFC 8446, 7.5).
    fn export(&self, label: &str, context: &[u8]) -> Result<[u8; 32], Down>;

    /// The first request was opened, and somebody signed it: until then a driver has reason to be less patient.
    fn admit(&mut self) {}
}

/// A prepared RSA key of 2,048 bits, consumed by its one use.
pub trait Recipient {
    /// The public key, SPKI in DER.
    fn public_key(&self) -> &[u8];

    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256; one error for whatever is wrong.
    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;
}

/// One run of a function.
pub struct Job<'a> {
    /// How it is entered.
    pub kind: Kind,
    /// A reactor's handler.
    pub handler: &'a str,
    /// Its arguments.
    pub arguments: &'a [&'a str],
    /// The WebAssembly module. The core never parses it.
    pub module: &'a [u8],
    /// Read-only files, by path.
    pub files: &'a [(&'a str, &'a [u8])],
    /// The input.
    pub input: &'a [u8],
    /// Memory, output and fuel.
    pub limits: Limits,
    /// Wall time, in milliseconds.
    pub time: u64,
    /// Within so many milliseconds it has to start: after that the request is too old.
    pub within: u64,
    /// The time that it is told, in milliseconds since 1970.
    pub now: u64,
}

/// What a worker gave.
pub struct Outcome {
    /// How it ended. PID 1's word goes before the worker's: killed at the deadline, or by a signal, is never success.
    pub ended: Ended,
    /// Its output, at most `limits.output` bytes.
    pub output: Zeroizing<Vec<u8>>,
    /// What it wrote to stderr, cut at [`MAX_DIAGNOSTIC`](capelet_abi::outcome::MAX_DIAGNOSTIC).
    pub diagnostic: Zeroizing<Vec<u8>>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As the worker says, and PID 1 saw it exit with status 0.
    Said(End),
    /// Killed at its deadline.
    Deadline,
    /// By a signal, with another status, or without saying how.
    Died,
}

/// The surroundings of one enclave. One value per boot, shared by the threads of its sessions.
pub trait Platform: Sync {
    /// The injected cryptography.
    type Crypto: Crypto;
    /// A connection to KMS.
    type Kms: Channel;

    /// Fills `out` from the kernel's pool and the NSM's, mixed; fails if either does.
    fn random(&self, out: &mut [u8]) -> Result<(), Down>;

    /// A fresh document from the NSM.
    fn document(&self, purpose: Purpose<'_>) -> Result<Vec<u8>, Down>;

    /// Milliseconds since some moment of this boot, never going back. Not the time: see [`Purpose::Time`].
    fn elapsed(&self) -> u64;

    /// Asks the parent.
    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error>;

    /// Asks the parent for what is stored under `key`. `admit` is told its length; where it fails, nothing is read. A
    /// platform that has the bytes anyway need not have a way of its own.
    fn load(&self, key: Key, admit: &mut dyn FnMut(u64) -> Result<(), Error>) -> Result<Answer, Error> {
        let answer = self.parent(Operation::Get(key))?;
        if let Answer::Body(bytes) = &answer {
            admit(bytes.len() as u64)?;
        }
        Ok(answer)
    }

    /// A TLS connection to KMS at `host`, through the parent's relay; the certificate is for `host`, under the
    /// roots that are compiled in.
    fn kms(&self, host: &str) -> Result<Self::Kms, Down>;

    /// An RSA key for one KMS call.
    fn recipient(&self) -> Result<Box<dyn Recipient>, Down>;

    /// Runs a function in a worker of its own; [`Error::Busy`] if there are too many already, and none has ended in
    /// time.
    fn work(&self, job: &Job<'_>) -> Result<Outcome, Error>;

    /// Runs `f` on the state that sessions share, nobody else meanwhile. Never held across another call.
    fn shared<R>(&self, f: impl FnOnce(&mut crate::shared::Shared) -> R) -> R;
}
