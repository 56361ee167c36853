//! A vault key that was verified.

use crate::root_id::RootId;
use enclave_core::crypto::KemPublicKey;
use enclave_core::kms::{Arn, KmsKeyState};
use enclave_core::{Configuration, Kid, OwnerKey, UnixMillis};

/// The public key of a vault, with what its statement says.
///
/// A value proves nothing by itself, because its fields are public. [`crate::statements`] makes it only after it has
/// verified the statement, and a command uses it at once. It is never stored: each use verifies the statement anew.
#[derive(Clone, Debug)]
pub struct VaultKey {
    /// The owner's key.
    pub owner: OwnerKey,
    /// The epoch: the key's number among its owner's vault keys.
    pub epoch: u64,
    /// The key's name, a digest of the key.
    pub kid: Kid,
    /// The public key.
    pub key: KemPublicKey,
    /// When the enclave attested the key.
    pub attested: UnixMillis,
    /// When the key ends.
    pub until: UnixMillis,
    /// The KMS key that protects the stored vault key.
    pub arn: Arn,
    /// Whether `arn` is the KMS key of the enclave's configuration. That key is the operator's. Any other key is the
    /// owner's.
    pub operator_key: bool,
    /// What the enclave read of the KMS key when it attested the vault key.
    pub kms: Option<KmsKeyState>,
    /// SHA-384 of the policy of `arn` when the statement was last fetched. `None` if it could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of the metadata of `arn` when the statement was last fetched. `None` if it could not be read.
    pub key_metadata: Option<[u8; 48]>,
    /// The root certificate under which the statement was verified.
    pub root: RootId,
    /// Whether that root is a development root.
    pub development: bool,
}

impl VaultKey {
    /// The AWS account of the KMS key. The party that controls this account could, together with the vault's owner,
    /// decrypt everything.
    pub fn account(&self) -> &str {
        self.arn.account()
    }
}

/// Whether `arn` is the KMS key of this configuration.
pub fn is_configured(configuration: &[u8], arn: &Arn) -> bool {
    Configuration::parse(configuration).is_ok_and(|configuration| configuration.arn == *arn)
}
