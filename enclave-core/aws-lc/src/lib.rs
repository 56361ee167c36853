//! The core's injected cryptography, by aws-lc-rs: AES-256-GCM, AES-256-CBC and, for clients, P-384 signatures.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;

use alloc::vec::Vec;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use enclave_core::crypto::{Cipher, Crypto};
use enclave_core::{Error, TransportError};
use zeroize::Zeroizing;

/// The cryptography of aws-lc-rs.
pub struct AwsLc;

impl Crypto for AwsLc {
    type Cipher = AesGcm;

    fn aes_256_gcm(key: &[u8; 32]) -> Result<AesGcm, Error> {
        // "Less safe" because the caller chooses the nonces; the core's stream is the only caller.
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| TransportError::Failed)?;
        Ok(AesGcm(LessSafeKey::new(key)))
    }

    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let key = UnboundCipherKey::new(&cipher::AES_256, key).map_err(|_| TransportError::Failed)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| TransportError::Failed)?;
        let mut buffer = Zeroizing::new(data.to_vec());
        let iv = DecryptionContext::Iv128(FixedLength::from(iv));
        let length = key.decrypt(&mut buffer, iv).map_err(|_| Error::CannotOpen)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(feature = "outside")]
impl enclave_core::crypto::VerificationCrypto for AwsLc {
    fn es384() -> &'static dyn rustls_pki_types::SignatureVerificationAlgorithm {
        webpki::aws_lc_rs::ECDSA_P384_SHA384
    }
}

/// AES-256-GCM under one key.
pub struct AesGcm(LessSafeKey);

impl Cipher for AesGcm {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), data).map_err(|_| TransportError::Failed)?;
        Ok(tag.as_ref().try_into().map_err(|_| TransportError::Failed)?)
    }

    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_in_place(nonce, Aad::from(aad), data).map_err(|_| Error::CannotOpen)
    }
}

#[cfg(test)]
mod tests;
