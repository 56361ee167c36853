//! aws-lc-rs, and a ledger of every (key, nonce) pair that sealed.

use enclave_core::crypto::{Cipher, Crypto, VerificationCrypto, sha256};
use enclave_core::{Error, TransportError};
use enclave_core_aws_lc::{AesGcm, AwsLc};
use rustls_pki_types::SignatureVerificationAlgorithm;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The digest of a key, and a nonce.
type KeyAndNonce = ([u8; 32], [u8; 12]);

/// Every (key, nonce) pair that sealed in one run, and the pairs that sealed more than once.
#[derive(Default)]
pub struct Ledger(Mutex<(BTreeSet<KeyAndNonce>, Vec<KeyAndNonce>)>);

thread_local! {
    static LEDGER: RefCell<Option<Arc<Ledger>>> = const { RefCell::new(None) };
}

impl Ledger {
    /// From now on, this ledger records what the current thread seals.
    pub fn enter(self: &Arc<Self>) {
        LEDGER.set(Some(self.clone()));
    }

    fn record(&self, pair: KeyAndNonce) {
        let (seen, repeated) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.insert(pair) {
            repeated.push(pair);
        }
    }

    /// How many pairs sealed, and how often a pair was used again.
    pub fn counts(&self) -> (usize, usize) {
        let (seen, repeated) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.len(), repeated.len())
    }
}

/// [`AwsLc`] with ciphers that record what they seal.
pub struct Recorded;

/// AES-256-GCM under one key, with the ledger of its thread.
pub struct RecordedCipher {
    cipher: AesGcm,
    key: [u8; 32],
    ledger: Arc<Ledger>,
}

impl Crypto for Recorded {
    type Cipher = RecordedCipher;

    fn aes_256_gcm(key: &[u8; 32]) -> Result<RecordedCipher, Error> {
        // A thread without a ledger must not seal, because nobody would notice a repeated nonce.
        let ledger = LEDGER.with_borrow(Clone::clone).ok_or(TransportError::Failed)?;
        Ok(RecordedCipher { cipher: AwsLc::aes_256_gcm(key)?, key: sha256(&[key]), ledger })
    }

    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        AwsLc::aes_256_cbc(key, iv, data)
    }
}

impl VerificationCrypto for Recorded {
    fn es384() -> &'static dyn SignatureVerificationAlgorithm {
        AwsLc::es384()
    }
}

impl Cipher for RecordedCipher {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error> {
        self.ledger.record((self.key, *nonce));
        self.cipher.seal(nonce, aad, data)
    }

    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error> {
        self.cipher.open(nonce, aad, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::crypto::{Secret, seal_bytes};

    fn seal(secret: u8) {
        seal_bytes::<Recorded>(Secret::new(Zeroizing::new([secret; 32])), b"", b"data").unwrap();
    }

    #[test]
    fn counts_repeated_pairs() {
        let ledger = Arc::new(Ledger::default());
        ledger.enter();
        seal(1);
        seal(2);
        assert_eq!(ledger.counts(), (2, 0));
        seal(1);
        assert_eq!(ledger.counts(), (2, 1));
    }

    #[test]
    fn rejects_sealing_without_a_ledger() {
        let sealed = std::thread::spawn(|| Recorded::aes_256_gcm(&[1; 32]).map(|_| ())).join().unwrap();
        assert_eq!(sealed, Err(Error::Transport(TransportError::Failed)));
    }
}
