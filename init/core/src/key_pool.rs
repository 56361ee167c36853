//! RSA keys for KMS's `Recipient`. They are made ahead, so that no request waits for one, and each is used once.

use crate::note::note;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use enclave_core::platform::Recipient;
use enclave_core::{Error, TransportError};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::{process, thread};
use zeroize::Zeroizing;

/// How many keys are kept ready.
const READY: usize = 4;

/// Keys that are ready for use.
pub(crate) struct KeyPool(Mutex<Receiver<Box<RsaRecipient>>>);

/// An RSA key of 2,048 bits, and its public key as SPKI in DER.
struct RsaRecipient {
    key: OaepPrivateDecryptingKey,
    public: Vec<u8>,
}

impl KeyPool {
    /// Starts the thread that replaces each key that was taken. If it cannot make one, it ends the process: without keys
    /// the enclave could not reach KMS.
    pub fn start() -> Result<Self, TransportError> {
        let (sender, receiver) = sync_channel(READY);
        let make = move || {
            while let Ok(recipient) = RsaRecipient::generate() {
                if sender.send(Box::new(recipient)).is_err() {
                    return;
                }
            }
            note("capelet-core: cannot make an RSA key");
            process::exit(1);
        };
        thread::Builder::new().name("key pool".into()).spawn(make).map_err(|_| TransportError::Failed)?;
        Ok(Self(Mutex::new(receiver)))
    }

    /// Takes a key, and waits for one if the pool is empty.
    pub fn take(&self) -> Result<Box<dyn Recipient>, TransportError> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv().map(|recipient| recipient as Box<dyn Recipient>).map_err(|_| TransportError::Failed)
    }
}

impl RsaRecipient {
    fn generate() -> Result<Self, TransportError> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| TransportError::Failed)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| TransportError::Failed)?;
        let public = public.as_ref().to_vec();
        Ok(Self { key: OaepPrivateDecryptingKey::new(key).map_err(|_| TransportError::Failed)?, public })
    }
}

impl Recipient for RsaRecipient {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn open(self: Box<Self>, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut out = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let length =
            self.key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, &mut out, None).map_err(|_| Error::CannotOpen)?.len();
        out.truncate(length);
        Ok(out)
    }
}
