//! The security module of one enclave: its state, and its answers to requests.

use super::chain::Chain;
use super::document::{self, DocumentRequest};
use super::pcr::{Bank, Measured, PCRS};
use super::root::Root;
use crate::{Clock, Error};
use aws_lc_rs::rand;
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use data_encoding::HEXLOWER;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest request, in bytes of CBOR, as in the driver of the real NSM.
pub(super) const MAX_REQUEST: usize = 4096;
/// The longest `user_data` and `nonce`, in bytes (AWS Nitro Enclaves, "Verifying the root of trust").
const MAX_USER_DATA: usize = 512;
/// The longest `public_key`, in bytes.
const MAX_PUBLIC_KEY: usize = 1024;
/// The number of bytes that one GetRandom returns.
const RANDOM: usize = 256;

/// The faults in the documents of an [`Nsm`], for tests. The default has no fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A number of milliseconds that is added to the clock. The certificates use the same time.
    pub clock_offset: i64,
    /// The leaf certificate expired an hour before the document's time.
    pub expired_leaf: bool,
    /// The chain ends in another root with the same name.
    pub other_root: bool,
    /// One bit of the signature is flipped.
    pub flipped_signature: bool,
    /// The requested nonce is not in the document.
    pub withheld_nonce: bool,
    /// The map of the payload has indefinite length. This is not a fault: AWS's newer documents have such a map.
    pub indefinite_map: bool,
}

/// The security module of one enclave.
pub struct Nsm {
    root: Arc<Root>,
    instance: String,
    module: String,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    bank: Bank,
    chain: Chain,
    faults: Faults,
}

impl Nsm {
    /// The module of an enclave that has just booted. PCR0 to PCR4 are measured, and PCR0 to PCR15 are locked.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Clock`], [`Error::Key`] if the random number generator failed.
    pub fn new(root: Arc<Root>, measured: &Measured) -> Result<Self, Error> {
        Self::with_clock(root, measured, Clock::Machine)
    }

    /// The same as [`Nsm::new`], with another time source.
    ///
    /// # Errors
    /// Those of [`Nsm::new`].
    pub fn with_clock(root: Arc<Root>, measured: &Measured, clock: Clock) -> Result<Self, Error> {
        let mut id = [0; 8];
        rand::fill(&mut id).map_err(|_| Error::Key)?;
        let module = format!("{}-enc{}", measured.instance, HEXLOWER.encode(&id));
        let chain = Chain::new(&root, &measured.instance, clock.now()?, false)?;
        let state = State { bank: Bank::booted(measured), chain, faults: Faults::default() };
        Ok(Self { root, instance: measured.instance.clone(), module, clock, state: Mutex::new(state) })
    }

    /// Sets the faults of all further documents.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Answers one request. The answer to bytes that are not a request is `InvalidOperation`.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let response = if request.len() > MAX_REQUEST {
            Err(ErrorCode::InputTooLarge)
        } else {
            serde_cbor::from_slice(request)
                .map_err(|_| ErrorCode::InvalidOperation)
                .and_then(|known| self.process(known))
        };
        // Encoding to memory cannot fail. If it did, the reader would refuse the empty answer.
        serde_cbor::to_vec(&response.unwrap_or_else(Response::Error)).unwrap_or_default()
    }

    fn process(&self, request: Request) -> Result<Response, ErrorCode> {
        let mut state = self.state();
        let bank = &mut state.bank;
        Ok(match request {
            Request::DescribePCR { index } => {
                let (lock, data) = bank.describe(index)?;
                Response::DescribePCR { lock, data }
            }
            Request::ExtendPCR { index, data } => Response::ExtendPCR { data: bank.extend(index, &data)? },
            Request::LockPCR { index } => {
                bank.lock(index)?;
                Response::LockPCR
            }
            Request::LockPCRs { range } => {
                bank.lock_all(range)?;
                Response::LockPCRs
            }
            Request::DescribeNSM => Response::DescribeNSM {
                version_major: 1,
                version_minor: 0,
                version_patch: 0,
                module_id: self.module.clone(),
                max_pcrs: PCRS,
                locked_pcrs: bank.locked().map(|(index, _)| index).collect(),
                digest: Digest::SHA384,
            },
            Request::Attestation { user_data, nonce, public_key } => {
                let asked = DocumentRequest {
                    user_data: within(user_data.map(|bytes| bytes.into_vec()), MAX_USER_DATA)?,
                    nonce: within(nonce.map(|bytes| bytes.into_vec()), MAX_USER_DATA)?,
                    public_key: within(public_key.map(|bytes| bytes.into_vec()), MAX_PUBLIC_KEY)?,
                };
                // A real module reports no more than that it failed.
                let document = self.attest(&mut state, asked).map_err(|_| ErrorCode::InternalError)?;
                Response::Attestation { document }
            }
            Request::GetRandom => {
                let mut random = vec![0; RANDOM];
                rand::fill(&mut random).map_err(|_| ErrorCode::InternalError)?;
                Response::GetRandom { random }
            }
            _ => return Err(ErrorCode::InvalidOperation),
        })
    }

    /// Signs a document, with the faults that are set.
    fn attest(&self, state: &mut State, mut asked: DocumentRequest) -> Result<Vec<u8>, Error> {
        let faults = state.faults;
        let now = self.clock.now()?.checked_add_signed(faults.clock_offset).ok_or(Error::Clock)?;
        if !state.chain.serves(now, faults.other_root) {
            state.chain = Chain::new(&self.root, &self.instance, now, faults.other_root)?;
        }
        if faults.withheld_nonce {
            asked.nonce = None;
        }
        let leaf = state.chain.leaf(&self.module, now, faults.expired_leaf)?;
        let mut document = document::sign(&self.module, now, &state.bank, &leaf, asked, faults.indefinite_map)?;
        if faults.flipped_signature
            && let Some(last) = document.last_mut()
        {
            *last ^= 1;
        }
        Ok(document)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks the length of a field of a request.
fn within(bytes: Option<Vec<u8>>, longest: usize) -> Result<Option<Vec<u8>>, ErrorCode> {
    match bytes {
        Some(bytes) if bytes.len() > longest => Err(ErrorCode::InputTooLarge),
        bytes => Ok(bytes),
    }
}
