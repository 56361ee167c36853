//! RSA keys for KMS' `Recipient`, made ahead so that no request waits for one, each used once.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use enclave_core::Error;
use enclave_core::error::Down;
use enclave_core::platform;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::{process, thread};
use zeroize::Zeroizing;

/// How many keys lie ready.
const READY: usize = 4;

/// A stock of keys.
pub struct Stock(Mutex<Receiver<Box<Recipient>>>);

/// A key and its public half.
pub struct Recipient {
    key: OaepPrivateDecryptingKey,
    public: Vec<u8>,
}

impl Stock {
    /// Starts the thread that makes keys, whenever one was taken. When none can be made, this process ends: without KMS
    /// it would be half an enclave.
    pub fn start() -> Result<Self, Down> {
        let (sender, receiver) = sync_channel(READY);
        let make = move || {
            while let Ok(recipient) = Recipient::generate() {
                if sender.send(Box::new(recipient)).is_err() {
                    return;
                }
            }
            eprintln!("capelet-core: no RSA key can be made");
            process::exit(1);
        };
        thread::Builder::new().name("recipients".into()).spawn(make).map_err(|_| Down::Failed)?;
        Ok(Self(Mutex::new(receiver)))
    }

    /// Takes a key; waits for one if the stock is empty.
    pub fn take(&self) -> Result<Box<dyn platform::Recipient>, Down> {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv().map(|recipient| recipient as Box<dyn platform::Recipient>).map_err(|_| Down::Failed)
    }
}

impl Recipient {
    fn generate() -> Result<Self, Down> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| Down::Failed)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| Down::Failed)?;
        let public = public.as_ref().to_vec();
        Ok(Self { key: OaepPrivateDecryptingKey::new(key).map_err(|_| Down::Failed)?, public })
    }
}

impl platform::Recipient for Recipient {
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
