//! The platform of one enclave: at every call the baton goes on, and the call may fail.

use crate::crypto::Recorded;
use crate::faults::{Call, Fault};
use crate::kms::SimKms;
use crate::prng::Prng;
use crate::run::{self, Run};
use crate::store::Store;
use crate::{parent, world};
use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use capelet_dev::nsm::Nsm;
use capelet_abi::outcome::End;
use enclave_core::digest::sha256;
use enclave_core::error::{Down, Error, Part};
use enclave_core::parent::{Answer, Operation};
use enclave_core::platform::{Ended, Job, Outcome, Platform, Purpose, Recipient};
use enclave_core::shared::Shared;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// See the module.
pub struct SimPlatform {
    /// The run that it is part of.
    pub run: Arc<Run>,
    /// What the parent hands over at boot.
    pub configuration: Vec<u8>,
    /// The list beside it.
    pub deployers: Option<Vec<u8>>,
    nsm: Nsm,
    store: Arc<Mutex<Store>>,
    shared: Mutex<Shared>,
    prng: Mutex<Prng>,
    started: u64,
}

impl SimPlatform {
    /// The surroundings of an enclave that begins now.
    pub fn new(
        run: &Arc<Run>,
        nsm: Nsm,
        store: &Arc<Mutex<Store>>,
        configuration: Vec<u8>,
        deployers: Option<Vec<u8>>,
        prng: Prng,
    ) -> Self {
        let (run, store, started) = (run.clone(), store.clone(), run.scheduler.now());
        let (shared, prng) = (Mutex::default(), Mutex::new(prng));
        Self { run, configuration, deployers, nsm, store, shared, prng, started }
    }

    /// A call begins: others may run first; then what is to go wrong with it.
    pub fn call(&self, call: Call) -> Result<Option<Fault>, Down> {
        self.run.scheduler.pause();
        let fault = self.run.faults.at(call);
        if self.run.faults.dead() {
            return Err(Down::Failed);
        }
        self.run.scheduler.note(&format!("{call:?}"));
        Ok(fault)
    }

    /// Writes down that a fault was had.
    pub fn hit(&self, call: Call, fault: Fault) {
        self.run.hit(run::session(), call, fault);
    }

    /// A call of which the only fault is that it fails.
    fn or_fail(&self, call: Call) -> Result<(), Down> {
        match self.call(call)? {
            Some(fault) => {
                self.hit(call, fault);
                Err(Down::Failed)
            }
            None => Ok(()),
        }
    }

    /// The store.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: &Request) -> Response {
        let bytes = serde_cbor::to_vec(request).expect("a request");
        serde_cbor::from_slice(&self.nsm.answer(&bytes)).expect("a response")
    }

    /// Measures the configuration into PCR16 and locks, as the driver does.
    pub fn measure(&self, digest: [u8; 48]) {
        let extended = self.ask(&Request::ExtendPCR { index: 16, data: digest.to_vec() });
        assert!(matches!(extended, Response::ExtendPCR { .. }));
        assert!(matches!(self.ask(&Request::LockPCRs { range: 32 }), Response::LockPCRs));
    }
}

/// The function that every module of the simulation is: a mark of the module, then the inputs, each backwards.
pub fn function(module: &[u8], inputs: &[&[u8]]) -> Vec<u8> {
    let mut output = sha256(&[module])[..4].to_vec();
    for input in inputs {
        output.extend(input.iter().rev());
    }
    output
}

impl Platform for SimPlatform {
    type Crypto = Recorded;
    type Kms = SimKms;

    fn random(&self, out: &mut [u8]) -> Result<(), Down> {
        self.or_fail(Call::Random)?;
        self.prng.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
        Ok(())
    }

    fn document(&self, purpose: Purpose<'_>) -> Result<Vec<u8>, Down> {
        self.or_fail(match purpose {
            Purpose::Session { .. } => Call::DocumentSession,
            Purpose::Vault { .. } => Call::DocumentVault,
            Purpose::Kms { .. } => Call::DocumentKms,
            Purpose::Time => Call::DocumentTime,
        })?;
        let asked = purpose.request();
        let owned = |bytes: &[u8]| bytes.to_vec().into();
        let request = Request::Attestation {
            user_data: Some(owned(asked.user_data)),
            nonce: asked.nonce.map(owned),
            public_key: asked.public_key.map(owned),
        };
        match self.ask(&request) {
            Response::Attestation { document } => Ok(document),
            _ => Err(Down::Failed),
        }
    }

    fn elapsed(&self) -> u64 {
        let elapsed = self.run.scheduler.now() - self.started;
        self.run.scheduler.pause();
        elapsed
    }

    fn parent(&self, operation: Operation<'_>) -> Result<Answer, Error> {
        parent::ask(self, operation)
    }

    fn kms(&self, host: &str) -> Result<SimKms, Down> {
        let down = match self.call(Call::Kms)? {
            None => return Ok(SimKms::new(&self.run, run::session(), host)),
            Some(fault) => {
                self.hit(Call::Kms, fault);
                fault
            }
        };
        Err(match down {
            Fault::Unreachable => Down::Unreachable,
            Fault::Deadline => Down::Deadline,
            _ => Down::Closed,
        })
    }

    fn recipient(&self) -> Result<Box<dyn Recipient>, Down> {
        self.or_fail(Call::Recipient)?;
        let number = self.prng.lock().unwrap_or_else(PoisonError::into_inner).below(world::RECIPIENTS);
        Ok(Box::new(world::recipient(number)))
    }

    fn work(&self, job: &Job<'_>) -> Result<Outcome, Error> {
        let fault = self.call(Call::Work)?;
        let mut inputs = vec![job.input];
        inputs.extend(job.files.iter().filter(|(path, _)| path.starts_with("input/")).map(|(_, bytes)| *bytes));
        let mut output = function(job.module, &inputs);
        if let Some(fault) = fault {
            self.hit(Call::Work, fault);
        }
        let ended = match fault {
            None => Ended::Said(End::Completed),
            Some(Fault::Busy) => return Err(Error::Busy),
            Some(Fault::BadJob) => return Err(Error::Malformed(Part::Job)),
            Some(Fault::Failed) => return Err(Error::Down(Down::Failed)),
            Some(Fault::TooMuch) => {
                output = vec![1; job.limits.output as usize + 1];
                Ended::Said(End::Completed)
            }
            Some(Fault::Deadline) => Ended::Deadline,
            Some(Fault::Trapped) => Ended::Said(End::Trapped),
            Some(Fault::Status) => Ended::Said(End::Status(3)),
            Some(Fault::Memory) => Ended::Said(End::Memory),
            Some(Fault::Fuel) => Ended::Said(End::Fuel),
            Some(Fault::OutputEnd) => Ended::Said(End::Output),
            Some(Fault::BadModule) => Ended::Said(End::BadModule),
            Some(Fault::BadResult) => Ended::Said(End::BadResult),
            Some(_) => Ended::Died,
        };
        Ok(Outcome { ended, output: Zeroizing::new(output), diagnostic: Zeroizing::new(b"said so".to_vec()) })
    }

    fn shared<R>(&self, f: impl FnOnce(&mut Shared) -> R) -> R {
        self.run.scheduler.pause();
        f(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
