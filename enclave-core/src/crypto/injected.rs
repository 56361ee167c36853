//! The cryptography that a build of the core or of the client supplies.

use crate::Error;
use alloc::vec::Vec;

/// A set of implementations. It is a type and never a value, so there is nothing to configure.
pub trait Crypto: 'static {
    /// AES-256-GCM (NIST SP 800-38D) under one key.
    type Cipher: Cipher;

    /// The key schedule of AES-256-GCM.
    ///
    /// # Errors
    /// [`Error::Transport`] if the implementation fails.
    fn aes_256_gcm(key: &[u8; 32]) -> Result<Self::Cipher, Error>;

    /// The plaintext of `data`, which is AES-256-CBC with PKCS #7 padding (CMS, RFC 5652, 6.3).
    ///
    /// # Errors
    /// [`Error::CannotOpen`] for every failure alike.
    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, Error>;
}

/// What verifying documents takes besides. No enclave verifies one.
#[cfg(feature = "outside")]
pub trait VerificationCrypto: Crypto {
    /// ECDSA over P-384 with SHA-384, for keys as SPKI and signatures in DER, as certificates have them.
    fn es384() -> &'static dyn rustls_pki_types::SignatureVerificationAlgorithm;
}

/// AES-256-GCM under one key. The caller chooses the nonces; the only caller is the stream.
pub trait Cipher: Send + Sync {
    /// Encrypts `data` in place and returns the tag.
    ///
    /// # Errors
    /// [`Error::Transport`] if the implementation fails.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error>;

    /// Opens `data`, ciphertext ‖ tag, in place. The returned slice is the plaintext.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] if the tag is wrong. `data` is then undefined and must not be used.
    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error>;
}
