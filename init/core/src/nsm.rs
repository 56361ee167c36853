//! The Nitro Security Module, and the only module that knows `aws-nitro-enclaves-nsm-api`: it brings `serde_cbor`,
//! which nobody maintains, and here it parses only what the NSM itself answers.

use aws_nitro_enclaves_nsm_api::api::{Request, Response};
use aws_nitro_enclaves_nsm_api::driver::nsm_process_request;
use enclave_core::error::Down;
use enclave_core::platform::DocumentRequest;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// The first PCR that an enclave may extend; those below are locked at boot.
pub const CONFIGURATION_PCR: u16 = 16;
/// One behind the last PCR.
const PCR_END: u16 = 32;

/// Something that answers NSM requests.
pub trait Nsm: Send + Sync {
    /// One request, one response; any failure of its own is a [`Response::Error`].
    fn process(&self, request: Request) -> Response;
}

/// `/dev/nsm`, opened by PID 1.
pub struct Device(pub OwnedFd);

impl Nsm for Device {
    fn process(&self, request: Request) -> Response {
        nsm_process_request(self.0.as_raw_fd(), request)
    }
}

/// A document.
pub fn document(nsm: &dyn Nsm, request: &DocumentRequest<'_>) -> Result<Vec<u8>, Down> {
    let owned = |bytes: &[u8]| bytes.to_vec().into();
    let response = nsm.process(Request::Attestation {
        user_data: Some(owned(request.user_data)),
        nonce: request.nonce.map(owned),
        public_key: request.public_key.map(owned),
    });
    match response {
        Response::Attestation { document } => Ok(document),
        _ => Err(Down::Failed),
    }
}

/// Random bytes, as many as the NSM gives at once (256).
pub fn random(nsm: &dyn Nsm) -> Result<Vec<u8>, Down> {
    match nsm.process(Request::GetRandom) {
        Response::GetRandom { random } if random.len() >= 32 => Ok(random),
        _ => Err(Down::Failed),
    }
}

/// Measures the configuration's digest into PCR16, locks everything, and reads it back: documents carry locked PCRs
/// only, and what was not locked could still be extended.
pub fn measure(nsm: &dyn Nsm, configuration_digest: &[u8; 48], expected: &[u8; 48]) -> Result<(), Down> {
    let extended = nsm.process(Request::ExtendPCR { index: CONFIGURATION_PCR, data: configuration_digest.to_vec() });
    let Response::ExtendPCR { .. } = extended else { return Err(Down::Failed) };
    let Response::LockPCRs = nsm.process(Request::LockPCRs { range: PCR_END }) else { return Err(Down::Failed) };
    for index in CONFIGURATION_PCR..PCR_END {
        let zeros = [0; 48];
        let value = if index == CONFIGURATION_PCR { expected } else { &zeros };
        match nsm.process(Request::DescribePCR { index }) {
            Response::DescribePCR { lock: true, data } if data == value => {}
            _ => return Err(Down::Failed),
        }
    }
    Ok(())
}
