//! The development NSM: the seven requests of the Nitro Security Module, with its PCRs, limits and errors, and
//! documents signed as AWS' are, under a root of its own.
//!
//! One [`Nsm`] is one enclave: one bank of PCRs, one module id. It is reached over a Unix socket ([`serve`])
//! instead of `/dev/nsm`; the CBOR inside is the same (`aws-nitro-enclaves-nsm-api`).

mod chain;
mod document;
mod pcr;
mod root;
mod serve;

pub use pcr::Measured;
pub use root::Root;
pub use serve::serve;

use crate::{Clock, Error};
use aws_lc_rs::rand;
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use chain::Chain;
use data_encoding::HEXLOWER;
use pcr::{Bank, PCRS};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest request, in bytes of CBOR, as the NSM's driver has it.
pub const MAX_REQUEST: usize = 4096;
/// The longest response, in bytes of CBOR, as the NSM's driver has it.
pub const MAX_RESPONSE: usize = 12_288;
/// The longest `user_data` and `nonce`, in bytes (AWS Nitro Enclaves, "Verifying the root of trust").
const MAX_USER_DATA: usize = 512;
/// The longest `public_key`, in bytes.
const MAX_PUBLIC_KEY: usize = 1024;
/// What one GetRandom gives, in bytes.
const RANDOM: usize = 256;

/// What the documents of an [`Nsm`] lie about, for tests. The default lies about nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Added to the clock, in milliseconds; certificates follow it.
    pub clock_offset: i64,
    /// The leaf ran out an hour before the document's time.
    pub expired_leaf: bool,
    /// The chain ends in another root of the same name.
    pub other_root: bool,
    /// One bit of the signature is flipped.
    pub flipped_signature: bool,
    /// The nonce that was asked for is not in the document.
    pub withheld_nonce: bool,
    /// The payload's map is of indefinite length. No lie: AWS' newer documents have it.
    pub indefinite_map: bool,
}

/// One enclave's security module.
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
    /// The module of an enclave that was just booted: PCR0–4 as measured, 0–15 locked.
    pub fn new(root: Arc<Root>, measured: &Measured) -> Result<Self, Error> {
        Self::with_clock(root, measured, Clock::Machine)
    }

    /// The same, with another clock.
    pub fn with_clock(root: Arc<Root>, measured: &Measured, clock: Clock) -> Result<Self, Error> {
        let mut id = [0; 8];
        rand::fill(&mut id).map_err(|_| Error::Key)?;
        let module = format!("{}-enc{}", measured.instance, HEXLOWER.encode(&id));
        let chain = Chain::new(&root, &measured.instance, clock.now()?, false)?;
        let state = State { bank: Bank::booted(measured), chain, faults: Faults::default() };
        Ok(Self { root, instance: measured.instance.clone(), module, clock, state: Mutex::new(state) })
    }

    /// From now on documents lie like this.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Answers one request. Bytes that are no request are an InvalidOperation.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let response = if request.len() > MAX_REQUEST {
            Err(ErrorCode::InputTooLarge)
        } else {
            serde_cbor::from_slice(request)
                .map_err(|_| ErrorCode::InvalidOperation)
                .and_then(|known| self.process(known))
        };
        // Encoding into memory cannot fail; an empty answer would be refused by whoever reads it.
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
                let asked = document::Asked {
                    user_data: within(user_data.map(|bytes| bytes.into_vec()), MAX_USER_DATA)?,
                    nonce: within(nonce.map(|bytes| bytes.into_vec()), MAX_USER_DATA)?,
                    public_key: within(public_key.map(|bytes| bytes.into_vec()), MAX_PUBLIC_KEY)?,
                };
                // An enclave learns no more from its module than that it failed.
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

    fn attest(&self, state: &mut State, mut asked: document::Asked) -> Result<Vec<u8>, Error> {
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

fn within(bytes: Option<Vec<u8>>, longest: usize) -> Result<Option<Vec<u8>>, ErrorCode> {
    match bytes {
        Some(bytes) if bytes.len() > longest => Err(ErrorCode::InputTooLarge),
        bytes => Ok(bytes),
    }
}
