//! Digests, as the protocol names them.

use sha2::{Digest as _, Sha256, Sha384};

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// A SHA-256 of what comes bit by bit: of a body, while the next of it is on its way.
#[derive(Default)]
pub struct Running(Sha256);

impl Running {
    /// Takes more.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-384 of the parts, one after the other.
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// `H(label, x)` = SHA-384(label ‖ 0x00 ‖ x), over bytes as they were received.
pub fn labelled(label: &str, x: &[u8]) -> [u8; 48] {
    sha384(&[label.as_bytes(), &[0], x])
}
