//! The KMS key's policy and facts, as texts: fetched, compared with the digests that the enclave attests, kept.
//!
//! What can be said of them without evaluating the policy is said here; each exception must be accepted by its name.

use crate::error::Error;
use crate::home::Home;
use crate::session::{Ask, Session};
use crate::statements::Vault;
use crate::values::Hex;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::claims::KmsState;
use enclave_core::config::Arn;
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::{Error as CoreError, digest};

/// The longest text that is taken, in bytes.
const MAX_TEXT: usize = 65_536;

/// The key whose policy could not be read by the enclave.
pub const POLICY_UNREAD: &str = "policy-unread";
/// The key whose facts could not be read by the enclave.
pub const FACTS_UNREAD: &str = "facts-unread";
/// The policy is no longer the one that was attested with the vault key.
pub const POLICY_DIFFERS: &str = "policy-differs";
/// The facts are no longer those that were attested with the vault key.
pub const FACTS_DIFFER: &str = "facts-differ";

/// The key is the operator's own, who with the vault's owner could read everything outside an enclave.
pub const OPERATOR_ACCOUNT: &str = "operator-account";

/// A key as the enclave read it.
pub struct Key {
    /// Its ARN.
    pub arn: Arn,
    /// SHA-384 of its policy's text; none: it could not be read.
    pub policy: Option<[u8; 48]>,
    /// SHA-384 of its facts; none: they could not be read.
    pub describe: Option<[u8; 48]>,
}

impl Key {
    /// What is not as it should be, by name.
    pub fn exceptions(&self) -> Vec<&'static str> {
        let unread = [(self.policy.is_none(), POLICY_UNREAD), (self.describe.is_none(), FACTS_UNREAD)];
        unread.into_iter().filter_map(|(unread, name)| unread.then_some(name)).collect()
    }

    /// ARN and the two digests, as parameters `first`, `first + 1`, `first + 2`.
    pub fn write(&self, writer: &mut Writer, first: u64) {
        let digest = |writer: &mut Writer, digest: [u8; 48]| {
            writer.bytes(&digest);
        };
        writer.uint(first).text(self.arn.text()).uint(first + 1).nullable(self.policy, digest);
        writer.uint(first + 2).nullable(self.describe, digest);
    }
}

/// Reads a key's texts through the enclave, keeps them under their digests, and compares them with those that the
/// session's claims attest: if the key changed in between, `policy-changed`. Without `arn` it is the configuration's.
pub fn read(home: &Home, session: &mut Session, identity: &Identity, arn: Option<&Arn>) -> Result<Key, Error> {
    let attested = session.evidence().claims.kms.clone();
    let own = attested.as_ref().map(|state| state.arn.clone());
    let arn = arn.cloned().or(own).ok_or(Error::NoKmsKey)?;
    let mut params = Writer::new();
    params.map(1).uint(1).text(arn.text());
    let ask = Ask { verb: Verb::Policy, params: params.finish(), halves: Halves::new(), body: None };
    let result = session.demand(identity, ask)?.result;
    let (policy, describe) = texts(&result)?;
    let digest = |text: &[u8]| digest::sha384(&[text]);
    let key = Key { arn, policy: policy.map(|text| digest(text.as_bytes())), describe: describe.map(digest) };
    if attested.is_some_and(|state| differs(&state, &key)) {
        return Err(CoreError::PolicyChanged.into());
    }
    if let Some(text) = policy {
        home.keep_policy(text.as_bytes(), POLICY)?;
    }
    if let Some(facts) = describe {
        home.keep_policy(facts, FACTS)?;
    }
    Ok(key)
}

const POLICY: &str = "policy.json";
const FACTS: &str = "facts.cbor";

/// What whoever encrypts to a vault must accept of its key: that it is the operator's own; that it was unread when the
/// vault key was attested, or had another text when it was last fetched.
pub fn exceptions(vault: &Vault) -> Vec<&'static str> {
    let (policy, facts) = vault.kms.as_ref().map_or((None, None), |kms| (kms.policy, kms.describe));
    let of = |attested: Option<_>, fetched, unread, differs| match attested {
        None => Some(unread),
        Some(_) => (attested != fetched).then_some(differs),
    };
    let operator = vault.operator_key.then_some(OPERATOR_ACCOUNT);
    let policy = of(policy, vault.policy, POLICY_UNREAD, POLICY_DIFFERS);
    let facts = of(facts, vault.facts, FACTS_UNREAD, FACTS_DIFFER);
    [operator, policy, facts].into_iter().flatten().collect()
}

/// The policy is the one that its user read: `wanted` is its SHA-384, hexadecimal, if it must be.
pub fn check(policy: Option<[u8; 48]>, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    let Hex(wanted) = Hex::parse("--key-policy-checksum", wanted)?;
    if policy == Some(wanted) { Ok(()) } else { Err(CoreError::PolicyChanged.into()) }
}

/// Nothing is left that was not accepted by name.
pub fn accept(exceptions: &[&'static str], accepted: Option<&str>) -> Result<(), Error> {
    let accepted: Vec<_> = accepted.unwrap_or_default().split(',').collect();
    let left: Vec<_> = exceptions.iter().copied().filter(|name| !accepted.contains(name)).collect();
    if left.is_empty() { Ok(()) } else { Err(Error::NotAccepted(left)) }
}

fn differs(attested: &KmsState, read: &Key) -> bool {
    attested.arn == read.arn && (attested.policy != read.policy || attested.describe != read.describe)
}

/// {1 policy text / null, 2 describe / null}.
fn texts(result: &[u8]) -> Result<(Option<&str>, Option<&[u8]>), CoreError> {
    let mut reader = Reader::new(result, Part::Response)?;
    reader.map(2)?;
    reader.key(1)?;
    let policy = reader.nullable(|reader| reader.text(0, MAX_TEXT))?;
    reader.key(2)?;
    let describe = reader.nullable(|reader| reader.bytes(0, MAX_TEXT))?;
    reader.end()?;
    Ok((policy, describe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Owner;
    use enclave_core::seal::PUBLIC_LEN;

    #[test]
    fn a_policy_that_was_read() {
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
    fn a_key_that_is_no_longer_what_it_was() {
        let (one, two) = (Some([1; 48]), Some([2; 48]));
        let arn = "arn:aws:kms:eu-central-1:138395648162:key/ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2";
        let arn = Arn::parse(arn).unwrap();
        let found = |attested: [Option<[u8; 48]>; 2], [policy, facts]: [Option<[u8; 48]>; 2]| {
            let [was, were] = attested;
            exceptions(&Vault {
                owner: Owner([1; 32]),
                epoch: 1,
                kid: [0; 32],
                key: [0; PUBLIC_LEN],
                attested: 0,
                until: 0,
                operator_key: false,
                kms: Some(KmsState { arn: arn.clone(), policy: was, describe: were, read: 0 }),
                arn: arn.clone(),
                policy,
                facts,
                root: Hex([0; 32]),
                development: true,
            })
        };
        assert_eq!(found([one, two], [one, two]), [""; 0]);
        assert_eq!(found([one, two], [two, two]), [POLICY_DIFFERS]);
        assert_eq!(found([one, two], [one, one]), [FACTS_DIFFER]);
        assert_eq!(found([one, two], [None, None]), [POLICY_DIFFERS, FACTS_DIFFER]);
        assert_eq!(found([None, None], [one, None]), [POLICY_UNREAD, FACTS_UNREAD]);
    }

    #[test]
    fn exceptions_are_accepted_by_name() {
        let both = [POLICY_UNREAD, FACTS_UNREAD];
        assert_eq!(accept(&[], None), Ok(()));
        assert_eq!(accept(&both, None), Err(Error::NotAccepted(both.to_vec())));
        assert_eq!(accept(&both, Some("facts-unread")), Err(Error::NotAccepted(vec![POLICY_UNREAD])));
        assert_eq!(accept(&both, Some("facts-unread,policy-unread")), Ok(()));
        assert_eq!(accept(&both, Some("all")), Err(Error::NotAccepted(both.to_vec())));
    }
}
