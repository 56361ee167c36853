//! The name of a root certificate in the client's files.

use enclave_core::attestation::Root;
use enclave_core::encoding::FixedBytes;

/// SHA-256 of a root certificate (DER). Catalogue and epochs are kept separately for each root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootId([u8; 32]);

impl RootId {
    /// These bytes as the name of a root.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The name of `root`.
    pub fn of(root: &Root) -> Self {
        Self(root.sha256())
    }
}

impl FixedBytes for RootId {
    fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl AsRef<[u8]> for RootId {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
