//! SHA-2 (FIPS 180-4), as the protocol uses it.

use sha2::{Digest as _, Sha256, Sha384};

/// SHA-256 of the concatenated parts.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 of data that arrives in pieces.
#[derive(Default)]
pub struct RunningSha256(Sha256);

impl RunningSha256 {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-384 of the concatenated parts.
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// H(label, x) = SHA-384(label ‖ 0x00 ‖ x), where x is the message's bytes as received.
pub fn labelled_sha384(label: &str, x: &[u8]) -> [u8; 48] {
    sha384(&[label.as_bytes(), &[0], x])
}
