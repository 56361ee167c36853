//! The platform of one enclave: NSM, transport, KMS, workers, and the shared state behind its lock.

use crate::key_pool::KeyPool;
use crate::kms_connection::{self, KmsConnection, Roots};
use crate::nsm::{self, Nsm};
use crate::transport::Transport;
use crate::workers::Workers;
use crate::{parent_client, random};
use enclave_core::parent::{Answer, Operation, StoreKey};
use enclave_core::platform::{DocumentPurpose, Job, Platform, Recipient, RunOutput, WorkError};
use enclave_core::state::{SharedState, now};
use enclave_core::{Error, Pcr, TransportError};
use enclave_core_aws_lc::AwsLc;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The environment of one enclave.
pub(crate) struct EnclavePlatform {
    pub nsm: Box<dyn Nsm>,
    pub transport: Transport,
    pub roots: Roots,
    pub keys: KeyPool,
    pub workers: Workers,
    pub shared: Mutex<SharedState>,
    pub started: Instant,
}

impl Platform for EnclavePlatform {
    type Crypto = AwsLc;
    type Kms = KmsConnection;

    fn random(&self, out: &mut [u8]) -> Result<(), TransportError> {
        random::fill(self.nsm.as_ref(), out)
    }

    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError> {
        nsm::document(self.nsm.as_ref(), &purpose.request())
    }

    fn image(&self) -> Result<Pcr, TransportError> {
        nsm::image(self.nsm.as_ref())
    }

    fn pause(&self) {
        thread::sleep(Duration::from_millis(20));
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        // A body for which no memory is reserved is not read.
        parent_client::ask(&self.transport, operation, &mut |_| Err(Error::ParentFailed))
    }

    fn load(&self, key: StoreKey, admit: &mut dyn FnMut(u64) -> Result<(), Error>) -> Result<Answer, Error> {
        parent_client::ask(&self.transport, Operation::Get(key), admit)
    }

    fn kms(&self, host: &str) -> Result<KmsConnection, TransportError> {
        let now = now(self).map_err(|_| TransportError::Failed)?;
        kms_connection::connect(&self.transport, &self.roots, host, now)
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError> {
        self.keys.take()
    }

    fn work(&self, job: &Job<'_>, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        self.workers.run(job, admit)
    }

    fn shared<R>(&self, f: impl FnOnce(&mut SharedState) -> R) -> R {
        f(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
