//! A vault key between its offer and its owner's confirmation.

use crate::kms::Arn;
use crate::types::{Kid, OwnerKey};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// A vault key of this session that waits for its owner's record.
pub(super) struct PendingVaultKey {
    /// The owner.
    pub owner: OwnerKey,
    /// The epoch.
    pub epoch: u64,
    /// The key's name.
    pub kid: Kid,
    /// The KMS key under which it is stored.
    pub arn: Arn,
    /// The document.
    pub document: Vec<u8>,
    /// The claims.
    pub claims: Vec<u8>,
    /// The seed of a new key; `None` if the key is stored already and only its statement is renewed.
    pub new_seed: Option<Zeroizing<[u8; 32]>>,
}
