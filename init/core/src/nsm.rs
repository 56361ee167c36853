//! The Nitro Security Module.
//!
//! Only this file uses `aws-nitro-enclaves-nsm-api`. That crate depends on `serde_cbor`, which is unmaintained; here it
//! parses only what the NSM itself answers.

use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use aws_nitro_enclaves_nsm_api::driver::nsm_process_request;
use enclave_core::platform::DocumentRequest;
use enclave_core::{CONFIGURATION_PCR, Pcr, TransportError};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// How many PCRs the NSM has.
const PCRS: u16 = 32;

/// Something that answers NSM requests.
pub trait Nsm: Send + Sync {
    /// Answers one request. A failure is a [`Response::Error`].
    fn process(&self, request: Request) -> Response;
}

/// `/dev/nsm`, opened by PID 1.
pub struct Device(pub OwnedFd);

impl Nsm for Device {
    fn process(&self, request: Request) -> Response {
        nsm_process_request(self.0.as_raw_fd(), request)
    }
}

/// An attestation document.
pub(crate) fn document(nsm: &dyn Nsm, request: &DocumentRequest<'_>) -> Result<Vec<u8>, TransportError> {
    let owned = |bytes: &[u8]| bytes.to_vec().into();
    let response = nsm.process(Request::Attestation {
        user_data: Some(owned(request.user_data)),
        nonce: request.nonce.map(owned),
        public_key: request.public_key.map(owned),
    });
    match response {
        Response::Attestation { document } => Ok(document),
        _ => Err(TransportError::Failed),
    }
}

/// Random bytes, as many as the NSM gives at once (256).
pub(crate) fn random(nsm: &dyn Nsm) -> Result<Vec<u8>, TransportError> {
    match nsm.process(Request::GetRandom) {
        Response::GetRandom { random } if random.len() >= 32 => Ok(random),
        _ => Err(TransportError::Failed),
    }
}

/// PCR0, which is locked from the beginning: the image that runs.
pub(crate) fn image(nsm: &dyn Nsm) -> Result<Pcr, TransportError> {
    match nsm.process(Request::DescribePCR { index: 0 }) {
        Response::DescribePCR { lock: true, data } => data.as_slice().try_into().map(Pcr::new),
        _ => return Err(TransportError::Failed),
    }
    .map_err(|_| TransportError::Failed)
}

/// Extends PCR16 with the configuration's digest, locks all PCRs, and reads back those that an enclave may extend.
/// Documents contain only locked PCRs, and a PCR that is not locked could still be extended.
pub(crate) fn measure(nsm: &dyn Nsm, configuration_digest: &[u8; 48], expected: &Pcr) -> Result<(), TransportError> {
    let configuration_pcr = u16::from(CONFIGURATION_PCR);
    let extended = nsm.process(Request::ExtendPCR { index: configuration_pcr, data: configuration_digest.to_vec() });
    let Response::ExtendPCR { .. } = extended else { return Err(TransportError::Failed) };
    let locked = nsm.process(Request::LockPCRs { range: PCRS });
    let Response::LockPCRs = locked else { return Err(TransportError::Failed) };
    for index in configuration_pcr..PCRS {
        let value = if index == configuration_pcr { expected } else { &Pcr::ZERO };
        match nsm.process(Request::DescribePCR { index }) {
            Response::DescribePCR { lock: true, data } if data == value.as_bytes() => {}
            _ => return Err(TransportError::Failed),
        }
    }
    Ok(())
}
