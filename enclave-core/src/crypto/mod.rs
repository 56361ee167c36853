//! Encryption, key derivation and digests.
//!
//! AES-256-GCM, AES-256-CBC and ECDSA are injected through [`Crypto`], because aws-lc-rs cannot be linked without std.
//! X-Wing, HKDF, SHA-2 and Ed25519 are in the core.

mod digest;
mod hpke;
mod injected;
mod kdf;
mod stream;

pub use digest::{RunningSha256, labelled_sha384, sha256, sha384};
#[cfg(feature = "outside")]
pub use hpke::encap;
pub use hpke::{ENC_LEN, Exporter, KEM_PUBLIC_LEN, KemPublicKey, KemSecret, MAX_INFO, decap};
#[cfg(feature = "outside")]
pub use injected::VerificationCrypto;
pub use injected::{Cipher, Crypto};
pub(crate) use kdf::{derive, expand};
pub use stream::{
    CHUNK_LEN, COMMITMENT_LEN, FrameReader, FrameWriter, MAX_CHUNKS, OpenTicket, Opener, SealTicket, Sealer, Secret,
    TAG_LEN, open_bytes, seal_bytes,
};
