//! The policy and the metadata of a KMS key.
//!
//! The enclave reads both texts from KMS and attests their digests. The client fetches the texts, compares them with
//! the digests, and keeps them for its user to read. It does not evaluate the policy. What it can see without that is
//! an *exception*, which its user must accept by name.

use crate::error::Error;
use crate::home::Home;
use crate::session::{RequestSpec, Session};
use crate::values::Hex;
use crate::vault_key::VaultKey;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::claims::KmsState;
use enclave_core::config::Arn;
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::{Error as CoreError, digest};

/// The longest text, in bytes.
const MAX_TEXT: usize = 65_536;

/// Exception: the enclave could not read the key's policy.
pub const POLICY_UNREAD: &str = "policy-unread";
/// Exception: the enclave could not read the key's metadata.
pub const KEY_METADATA_UNREAD: &str = "facts-unread";
/// Exception: the policy differs from the one that was attested with the vault key.
pub const POLICY_DIFFERS: &str = "policy-differs";
/// Exception: the metadata differs from the one that was attested with the vault key.
pub const KEY_METADATA_DIFFERS: &str = "facts-differ";

/// Exception: the KMS key is the operator's. Operator and vault owner together could decrypt outside an enclave.
pub const OPERATOR_ACCOUNT: &str = "operator-account";

/// A KMS key as the enclave read it.
pub struct KmsKey {
    /// The key's ARN.
    pub arn: Arn,
    /// SHA-384 of the policy's text. `None`: the enclave could not read it.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of the metadata. `None`: the enclave could not read it.
    pub key_metadata: Option<[u8; 48]>,
}

impl KmsKey {
    /// The exceptions for this key.
    pub fn exceptions(&self) -> Vec<&'static str> {
        let unread = [(self.policy.is_none(), POLICY_UNREAD), (self.key_metadata.is_none(), KEY_METADATA_UNREAD)];
        unread.into_iter().filter_map(|(unread, name)| unread.then_some(name)).collect()
    }

    /// Writes ARN and digests as the parameters `first`, `first + 1` and `first + 2` of a request.
    pub fn write(&self, writer: &mut Writer, first: u64) {
        let digest = |writer: &mut Writer, digest: [u8; 48]| {
            writer.bytes(&digest);
        };
        writer.uint(first).text(self.arn.text()).uint(first + 1).nullable(self.policy, digest);
        writer.uint(first + 2).nullable(self.key_metadata, digest);
    }
}

/// Has the enclave read the texts of a KMS key, and keeps them under their digests.
///
/// If `arn` is `None`, the key is the one of the enclave's configuration.
///
/// # Errors
///
/// [`CoreError::PolicyChanged`] if the session's claims attest other texts of the same key; [`Error::NoKmsKey`] if
/// neither `arn` nor the configuration names a key.
pub fn read(home: &Home, session: &mut Session, identity: &Identity, arn: Option<&Arn>) -> Result<KmsKey, Error> {
    let attested = session.evidence().claims.kms.clone();
    let own = attested.as_ref().map(|state| state.arn.clone());
    let arn = arn.cloned().or(own).ok_or(Error::NoKmsKey)?;
    let mut params = Writer::new();
    params.map(1).uint(1).text(arn.text());
    let request = RequestSpec { verb: Verb::Policy, params: params.finish(), key_shares: Halves::new(), body: None };
    let result = session.send_expect_ok(identity, request)?.result;
    let (policy, key_metadata) = texts(&result)?;
    let digest = |text: &[u8]| digest::sha384(&[text]);
    let (policy_digest, key_metadata_digest) = (policy.map(|text| digest(text.as_bytes())), key_metadata.map(digest));
    let key = KmsKey { arn, policy: policy_digest, key_metadata: key_metadata_digest };
    if attested.is_some_and(|state| differs(&state, &key)) {
        return Err(CoreError::PolicyChanged.into());
    }
    if let Some(text) = policy {
        home.keep_policy(text.as_bytes(), POLICY_ENDING)?;
    }
    if let Some(key_metadata) = key_metadata {
        home.keep_policy(key_metadata, KEY_METADATA_ENDING)?;
    }
    Ok(key)
}

/// How the name of a kept policy ends.
const POLICY_ENDING: &str = "policy.json";
/// How the name of kept metadata ends.
const KEY_METADATA_ENDING: &str = "facts.cbor";

/// The exceptions that a sender must accept before they encrypt to a vault.
///
/// The KMS key may be the operator's. The enclave may have been unable to read its policy or metadata when it attested
/// the vault key. Either may differ from what it was at the last fetch.
pub fn exceptions(vault: &VaultKey) -> Vec<&'static str> {
    let (policy, key_metadata) = vault.kms.as_ref().map_or((None, None), |kms| (kms.policy, kms.describe));
    let of = |attested: Option<_>, fetched, unread, differs| match attested {
        None => Some(unread),
        Some(_) => (attested != fetched).then_some(differs),
    };
    let operator = vault.operator_key.then_some(OPERATOR_ACCOUNT);
    let policy = of(policy, vault.policy, POLICY_UNREAD, POLICY_DIFFERS);
    let key_metadata = of(key_metadata, vault.key_metadata, KEY_METADATA_UNREAD, KEY_METADATA_DIFFERS);
    [operator, policy, key_metadata].into_iter().flatten().collect()
}

/// Checks that the policy is the one that the user read. `wanted` is its SHA-384, hexadecimal; `None` accepts any.
pub fn check(policy: Option<[u8; 48]>, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    let Hex(wanted) = Hex::parse("--key-policy-checksum", wanted)?;
    if policy == Some(wanted) { Ok(()) } else { Err(CoreError::PolicyChanged.into()) }
}

/// Checks that each exception is among `accepted`, which is a list of names joined by commas.
pub fn accept(exceptions: &[&'static str], accepted: Option<&str>) -> Result<(), Error> {
    let accepted: Vec<_> = accepted.unwrap_or_default().split(',').collect();
    let left: Vec<_> = exceptions.iter().copied().filter(|name| !accepted.contains(name)).collect();
    if left.is_empty() { Ok(()) } else { Err(Error::NotAccepted(left)) }
}

/// Whether the same KMS key had other texts when they were attested.
fn differs(attested: &KmsState, read: &KmsKey) -> bool {
    attested.arn == read.arn && (attested.policy != read.policy || attested.describe != read.key_metadata)
}

/// Parses the result of `policy`: {1: policy or null, 2: metadata or null}.
fn texts(result: &[u8]) -> Result<(Option<&str>, Option<&[u8]>), CoreError> {
    let mut reader = Reader::new(result, Part::Response)?;
    reader.map(2)?;
    reader.key(1)?;
    let policy = reader.nullable(|reader| reader.text(0, MAX_TEXT))?;
    reader.key(2)?;
    let key_metadata = reader.nullable(|reader| reader.bytes(0, MAX_TEXT))?;
    reader.end()?;
    Ok((policy, key_metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Owner;
    use enclave_core::seal::PUBLIC_LEN;

    #[test]
    fn checks_policy_against_wanted_digest() {
        let digest = [0xab; 48];
        let text = "ab".repeat(48);
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(Some(digest), Some(&text)), Ok(()));
        for policy in [None, Some([0; 48])] {
            assert_eq!(check(policy, Some(&text)).unwrap_err().code(), "policy-changed");
        }
        for odd in ["", "ab"] {
            assert_eq!(check(Some(digest), Some(odd)).unwrap_err().code(), "bad-argument");
        }
    }

    #[test]
    fn reports_kms_key_that_changed_since_attestation() {
        let (one, two) = (Some([1; 48]), Some([2; 48]));
        let arn = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
        let arn = Arn::parse(arn).unwrap();
        let found = |attested: [Option<[u8; 48]>; 2], [policy, key_metadata]: [Option<[u8; 48]>; 2]| {
            let [attested_policy, attested_metadata] = attested;
            exceptions(&VaultKey {
                owner: Owner([1; 32]),
                epoch: 1,
                kid: [0; 32],
                key: [0; PUBLIC_LEN],
                attested: 0,
                until: 0,
                operator_key: false,
                kms: Some(KmsState { arn: arn.clone(), policy: attested_policy, describe: attested_metadata, read: 0 }),
                arn: arn.clone(),
                policy,
                key_metadata,
                root: Hex([0; 32]),
                development: true,
            })
        };
        assert_eq!(found([one, two], [one, two]), [""; 0]);
        assert_eq!(found([one, two], [two, two]), [POLICY_DIFFERS]);
        assert_eq!(found([one, two], [one, one]), [KEY_METADATA_DIFFERS]);
        assert_eq!(found([one, two], [None, None]), [POLICY_DIFFERS, KEY_METADATA_DIFFERS]);
        assert_eq!(found([None, None], [one, None]), [POLICY_UNREAD, KEY_METADATA_UNREAD]);
    }

    #[test]
    fn rejects_exceptions_not_accepted_by_name() {
        let both = [POLICY_UNREAD, KEY_METADATA_UNREAD];
        assert_eq!(accept(&[], None), Ok(()));
        assert_eq!(accept(&both, None), Err(Error::NotAccepted(both.to_vec())));
        assert_eq!(accept(&both, Some("facts-unread")), Err(Error::NotAccepted(vec![POLICY_UNREAD])));
        assert_eq!(accept(&both, Some("facts-unread,policy-unread")), Ok(()));
        assert_eq!(accept(&both, Some("all")), Err(Error::NotAccepted(both.to_vec())));
    }
}
