//! The platform of one enclave. At every call another thread may get the turn, and the call may fail.

use crate::crypto::Recorded;
use crate::faults::{Call, Fault};
use crate::kms::SimKms;
use crate::parent::Parent;
use crate::prng::Prng;
use crate::run::{Run, served_session};
use crate::{worker, world};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use capelet_dev::nsm::Nsm;
use enclave_core::parent::{Answer, Operation};
use enclave_core::platform::{DocumentPurpose, Job, Platform, Recipient, RunOutput, WorkError};
use enclave_core::state::SharedState;
use enclave_core::{CONFIGURATION_PCR, Error, Pcr, TransportError, UnixMillis};
use std::sync::{Arc, Mutex, PoisonError};

type Hook = Box<dyn FnOnce() + Send>;

/// How much memory the sessions of an enclave may reserve, in bytes.
pub const MEMORY: u64 = 768 << 20;

/// See the module.
pub struct SimPlatform {
    /// The run that it belongs to.
    pub run: Arc<Run>,
    /// The parent.
    pub parent: Parent,
    nsm: Nsm,
    shared: Mutex<SharedState>,
    prng: Mutex<Prng>,
    started: UnixMillis,
    during_next_run: Mutex<Option<Hook>>,
}

impl SimPlatform {
    /// The platform of an enclave that boots now.
    pub fn new(run: &Arc<Run>, nsm: Nsm, parent: Parent, prng: Prng) -> Self {
        Self {
            run: run.clone(),
            parent,
            nsm,
            shared: Mutex::new(SharedState::new(MEMORY)),
            prng: Mutex::new(prng),
            started: run.scheduler.now(),
            during_next_run: Mutex::default(),
        }
    }

    /// Calls `hook` once, after the next worker was started and before its result is known.
    pub fn during_next_run(&self, hook: impl FnOnce() + Send + 'static) {
        *self.during_next_run.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    fn hit(&self, call: Call, fault: Fault) {
        self.run.hit(served_session(), call, fault);
    }

    /// A call whose only fault is that it fails.
    fn or_fail(&self, call: Call) -> Result<(), TransportError> {
        match self.run.call(call)? {
            Some(fault) => {
                self.hit(call, fault);
                Err(TransportError::Failed)
            }
            None => Ok(()),
        }
    }

    fn nsm(&self, request: &Request) -> Response {
        let bytes = serde_cbor::to_vec(request).expect("an encodable request");
        serde_cbor::from_slice(&self.nsm.answer(&bytes)).expect("a valid response")
    }

    /// Measures the configuration's digest into PCR16 and locks all PCRs, as the enclave's platform does before it
    /// serves.
    pub fn measure(&self, digest: [u8; 48]) {
        let extend = Request::ExtendPCR { index: CONFIGURATION_PCR.into(), data: digest.to_vec() };
        assert!(matches!(self.nsm(&extend), Response::ExtendPCR { .. }));
        assert!(matches!(self.nsm(&Request::LockPCRs { range: 32 }), Response::LockPCRs));
    }
}

impl Platform for SimPlatform {
    type Crypto = Recorded;
    type Kms = SimKms;

    fn random(&self, out: &mut [u8]) -> Result<(), TransportError> {
        self.or_fail(Call::Random)?;
        self.prng.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
        Ok(())
    }

    fn document(&self, purpose: DocumentPurpose<'_>) -> Result<Vec<u8>, TransportError> {
        self.or_fail(match purpose {
            DocumentPurpose::Session { .. } => Call::DocumentSession,
            DocumentPurpose::Vault { .. } => Call::DocumentVault,
            DocumentPurpose::Kms { .. } => Call::DocumentKms,
            DocumentPurpose::Time => Call::DocumentTime,
        })?;
        let fields = purpose.request();
        let owned = |bytes: &[u8]| bytes.to_vec().into();
        let request = Request::Attestation {
            user_data: Some(owned(fields.user_data)),
            nonce: fields.nonce.map(owned),
            public_key: fields.public_key.map(owned),
        };
        match self.nsm(&request) {
            Response::Attestation { document } => Ok(document),
            _ => Err(TransportError::Failed),
        }
    }

    fn image(&self) -> Result<Pcr, TransportError> {
        match self.nsm(&Request::DescribePCR { index: 0 }) {
            Response::DescribePCR { lock: true, data } => Ok(Pcr::new(data.try_into().expect("48 bytes"))),
            _ => Err(TransportError::Failed),
        }
    }

    fn pause(&self) {
        self.run.scheduler.advance(20);
        self.run.scheduler.yield_turn();
    }

    fn elapsed(&self) -> u64 {
        let elapsed = self.run.scheduler.now().since(self.started);
        self.run.scheduler.yield_turn();
        elapsed
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        self.parent.answer(operation)
    }

    fn kms(&self, host: &str) -> Result<SimKms, TransportError> {
        let Some(fault) = self.run.call(Call::Kms)? else {
            return Ok(SimKms::new(&self.run, served_session(), host));
        };
        self.hit(Call::Kms, fault);
        Err(match fault {
            Fault::Unreachable => TransportError::Unreachable,
            Fault::TimedOut => TransportError::TimedOut,
            _ => TransportError::Closed,
        })
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, TransportError> {
        self.or_fail(Call::Recipient)?;
        let number = self.prng.lock().unwrap_or_else(PoisonError::into_inner).below(world::RECIPIENTS);
        Ok(Box::new(world::recipient(number)))
    }

    fn work(&self, job: &Job<'_>, admit: &mut dyn FnMut() -> Result<(), Error>) -> Result<RunOutput, WorkError> {
        let asked = self.run.scheduler.now();
        let fault = self.run.call(Call::Work).map_err(|error| WorkError::NotStarted(error.into()))?;
        if let Some(fault) = fault {
            self.hit(Call::Work, fault);
            if let Some(error) = worker::start_error(fault) {
                return Err(WorkError::NotStarted(error));
            }
        }
        if self.run.scheduler.now().since(asked) > job.start_within {
            return Err(WorkError::NotStarted(Error::RequestExpired));
        }
        admit().map_err(WorkError::NotStarted)?;
        self.run.count_worker(served_session());
        if let Some(hook) = self.during_next_run.lock().unwrap_or_else(PoisonError::into_inner).take() {
            hook();
        }
        worker::run(job, fault).map_err(WorkError::Lost)
    }

    fn shared<R>(&self, f: impl FnOnce(&mut SharedState) -> R) -> R {
        self.run.scheduler.yield_turn();
        f(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
