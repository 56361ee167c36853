//! The bytes between the client and the enclave, and the frames in them.

use enclave_core::TransportError;
use enclave_core::encoding::{Channel, MAX_FRAME};

/// What was sent and not read yet.
#[derive(Default)]
pub struct Wire {
    /// From the client to the enclave.
    pub to_enclave: Vec<u8>,
    /// From the enclave to the client.
    pub from_enclave: Vec<u8>,
}

impl Wire {
    /// Sends a frame to the enclave.
    pub fn send_frame(&mut self, content: &[u8]) {
        self.to_enclave.extend_from_slice(&(content.len() as u32).to_be_bytes());
        self.to_enclave.extend_from_slice(content);
    }

    /// Reads the next frame of the enclave. It panics if there is none, or if it is too long.
    pub fn receive_frame(&mut self) -> Vec<u8> {
        let length = self.from_enclave.first_chunk().expect("the enclave sent a frame");
        let length = u32::from_be_bytes(*length) as usize;
        assert!(length <= MAX_FRAME);
        self.from_enclave.drain(..4 + length).skip(4).collect()
    }
}

/// The client's end. Only `enclave_core::session::send_message` writes to it; nothing reads from it.
impl Channel for Wire {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, TransportError> {
        Err(TransportError::Failed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.to_enclave.extend_from_slice(bytes);
        Ok(())
    }
}
