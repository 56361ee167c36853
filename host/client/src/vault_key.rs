//! A vault key that was verified.

use crate::values::{Hex, Owner};
use enclave_core::claims::KmsState;
use enclave_core::config::{Arn, Configuration};
use enclave_core::seal::PUBLIC_LEN;

/// The public key of a vault, with what its statement says.
///
/// A value proves nothing by itself, because its fields are public. [`crate::statements`] makes it only after it has
/// verified the statement, and a command uses it at once. It is never stored: each use verifies the statement anew.
#[derive(Clone, Debug)]
pub struct VaultKey {
    /// The owner's key.
    pub owner: Owner,
    /// The epoch: the key's number among its owner's vault keys.
    pub epoch: u64,
    /// The key's id, a digest of the key.
    pub kid: [u8; 32],
    /// The public key.
    pub key: [u8; PUBLIC_LEN],
    /// When the enclave attested the key, in milliseconds since 1970.
    pub attested: u64,
    /// When the key ends, in milliseconds since 1970.
    pub until: u64,
    /// The KMS key that protects the stored vault key.
    pub arn: Arn,
    /// Whether `arn` is the KMS key of the enclave's configuration. That key is the operator's; any other is the owner's.
    pub operator_key: bool,
    /// What the enclave read of the KMS key when it attested the vault key.
    pub kms: Option<KmsState>,
    /// SHA-384 of the policy of `arn` when the statement was last fetched. `None`: the policy could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of the metadata of `arn` when the statement was last fetched. `None`: it could not be read.
    pub key_metadata: Option<[u8; 48]>,
    /// SHA-256 of the root certificate under which the statement was verified.
    pub root: Hex<32>,
    /// Whether that root is a development root.
    pub development: bool,
}

impl VaultKey {
    /// The AWS account of the KMS key. The party that controls this account could, together with the vault's owner, decrypt everything.
    /// `None`: the ARN names no account.
    pub fn account(&self) -> Option<&str> {
        Some(self.arn.account()).filter(|account| !account.is_empty())
    }
}

/// Whether `arn` is the KMS key of this configuration.
pub fn is_configured(configuration: &[u8], arn: &Arn) -> bool {
    Configuration::parse(configuration).is_ok_and(|configuration| configuration.arn == *arn)
}
