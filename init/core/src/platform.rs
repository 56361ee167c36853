//! The drivers, put together as the core's platform.

use crate::kms::{self, Kms, Roots};
use crate::nsm::{self, Nsm};
use crate::recipient::Stock;
use crate::transport::Transport;
use crate::worker::Workers;
use crate::{parent, random};
use enclave_core::Error;
use enclave_core::error::Down;
use enclave_core::parent::{Answer, Key, Operation};
use enclave_core::platform::{Job, Outcome, Platform, Purpose, Recipient};
use enclave_core::shared::{self, Shared};
use enclave_core_aws_lc::AwsLc;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// One enclave's surroundings.
pub struct Drivers {
    pub(crate) nsm: Box<dyn Nsm>,
    pub(crate) transport: Transport,
    pub(crate) roots: Roots,
    pub(crate) recipients: Stock,
    pub(crate) workers: Workers,
    pub(crate) shared: Mutex<Shared>,
    pub(crate) started: Instant,
}

impl Platform for Drivers {
    type Crypto = AwsLc;
    type Kms = Kms;

    fn random(&self, out: &mut [u8]) -> Result<(), Down> {
        random::fill(self.nsm.as_ref(), out)
    }

    fn document(&self, purpose: Purpose<'_>) -> Result<Vec<u8>, Down> {
        nsm::document(self.nsm.as_ref(), &purpose.request())
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        // A body that nobody has room for is not read.
        parent::ask(&self.transport, operation, &mut |_| Err(Error::ParentFailed))
    }

    fn load(&self, key: Key, admit: &mut dyn FnMut(u64) -> Result<(), Error>) -> Result<Answer, Error> {
        parent::ask(&self.transport, Operation::Get(key), admit)
    }

    fn kms(&self, host: &str) -> Result<Kms, Down> {
        let now = shared::now(self).map_err(|_| Down::Failed)?;
        kms::connect(&self.transport, &self.roots, host, now)
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, Down> {
        self.recipients.take()
    }

    fn work(&self, job: &Job<'_>) -> Result<Outcome, Error> {
        self.workers.run(job)
    }

    fn shared<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        f(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
