//! aws-lc-rs, and a ledger of what was sealed under which key with which nonce.

use enclave_core::Error;
use enclave_core::crypto::{Cipher, Crypto};
use enclave_core::digest::sha256;
use enclave_core::error::Down;
use enclave_core_aws_lc::{AesGcm, AwsLc};
use rustls_pki_types::SignatureVerificationAlgorithm;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Digest of a key, and a nonce.
type Use = ([u8; 32], [u8; 12]);

/// Everything that was sealed in one run.
#[derive(Default)]
pub struct Ledger(Mutex<(BTreeSet<Use>, Vec<Use>)>);

thread_local! {
    static LEDGER: RefCell<Option<Arc<Ledger>>> = const { RefCell::new(None) };
}

impl Ledger {
    /// What this thread seals from now on is written down here.
    pub fn enter(self: &Arc<Self>) {
        LEDGER.set(Some(self.clone()));
    }

    fn write(&self, pair: Use) {
        let (seen, twice) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.insert(pair) {
            twice.push(pair);
        }
    }

    /// How many chunks were sealed, and how many of them under a key and nonce that had been used.
    pub fn counts(&self) -> (usize, usize) {
        let (seen, twice) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.len(), twice.len())
    }
}

/// [`AwsLc`], whose ciphers write down what they do.
pub struct Recorded;

/// One key.
pub struct RecordedCipher {
    cipher: AesGcm,
    key: [u8; 32],
    ledger: Arc<Ledger>,
}

impl Crypto for Recorded {
    type Cipher = RecordedCipher;

    fn aes_256_gcm(key: &[u8; 32]) -> Result<RecordedCipher, Error> {
        // What nobody writes down is not sealed.
        let ledger = LEDGER.with_borrow(Clone::clone).ok_or(Down::Failed)?;
        Ok(RecordedCipher { cipher: AwsLc::aes_256_gcm(key)?, key: sha256(&[key]), ledger })
    }

    fn es384() -> &'static dyn SignatureVerificationAlgorithm {
        AwsLc::es384()
    }

    fn aes_256_cbc(key: &[u8; 32], iv: &[u8; 16], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        AwsLc::aes_256_cbc(key, iv, data)
    }
}

impl Cipher for RecordedCipher {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; 16], Error> {
        self.ledger.write((self.key, *nonce));
        self.cipher.seal(nonce, aad, data)
    }

    fn open<'d>(&self, nonce: &[u8; 12], aad: &[u8], data: &'d mut [u8]) -> Result<&'d mut [u8], Error> {
        self.cipher.open(nonce, aad, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::stream::{Secret, seal_bytes};

    fn seal(secret: u8) {
        seal_bytes::<Recorded>(Secret::new(Zeroizing::new([secret; 32])), b"", b"data").unwrap();
    }

    #[test]
    fn a_repetition_is_noticed() {
        let ledger = Arc::new(Ledger::default());
        ledger.enter();
        seal(1);
        seal(2);
        assert_eq!(ledger.counts(), (2, 0));
        seal(1);
        assert_eq!(ledger.counts(), (2, 1));
    }

    #[test]
    fn nothing_is_sealed_unseen() {
        let sealed = std::thread::spawn(|| Recorded::aes_256_gcm(&[1; 32]).map(|_| ())).join().unwrap();
        assert_eq!(sealed, Err(Error::Down(Down::Failed)));
    }
}
