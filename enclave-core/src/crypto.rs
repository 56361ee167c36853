//! The cryptography that is injected, for aws-lc-rs cannot be linked without std. The rest (X-Wing, HKDF, SHA-2,
//! Ed25519) is in the core.

use crate::Error;
use alloc::vec::Vec;
use rustls_pki_types::SignatureVerificationAlgorithm;

/// What a build of the core or of the client brings along. A type, never a value: there is nothing to configure.
pub trait Crypto: 'static {
    /// AES-256-GCM (NIST SP 800-38D) under one key.
    type Cipher: Cipher;

    /// The key schedule of AES-256-GCM.
    fn aes_256_gcm(key: &[u8; 32]) -> Result<Self::Cipher, Error>;

    /// ECDSA over P-384 with SHA-384, for keys as SPKI and signatures in DER, as certificates have them.
    fn es384() -> &'static dyn SignatureVerificationAlgorithm;

    /// Opens AES-256-CBC with PKCS #7 padding (CMS, RFC 5652, 6.3); one error for whatever is wrong.
    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, Error>;
}

/// AES-256-GCM under one key. Nonces are the caller's: [`crate::stream`] is the only one.
pub trait Cipher: Send + Sync {
    /// Encrypts in place and returns the tag.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error>;

    /// Opens `data`, ciphertext ‖ tag, in place; the plaintext is the slice returned. [`Error::CannotOpen`] if the
    /// tag does not hold, and then `data` is worthless.
    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error>;
}
