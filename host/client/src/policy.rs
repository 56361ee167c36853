//! The policy and the metadata of a KMS key.
//!
//! The enclave reads both texts from KMS and attests their digests. The client fetches the texts, compares them with
//! the digests, and keeps them for its user to read. It does not evaluate the policy. What it can see without that is
//! an *exception*, which its user must accept by name.

use crate::error::Error;
use crate::home::Home;
use crate::home::accepted::{AcceptedTexts, Difference, Differences, Enclave};
use crate::key_change::KeyChange;
use crate::session::{RequestSpec, Session};
use crate::values::{Hex, SHA384_FORM};
use crate::vault_key::VaultKey;
use enclave_core::crypto::sha384;
use enclave_core::identity::Identity;
use enclave_core::kms::{AcceptedKey, Arn};
use enclave_core::messages::{PolicyParams, PolicyTexts};
use enclave_core::{Error as CoreError, OwnerKey};
use std::path::PathBuf;

/// Exception: the enclave could not read the key's policy.
pub const POLICY_UNREAD: &str = "policy-unread";
/// Exception: the enclave could not read the key's metadata.
pub const KEY_METADATA_UNREAD: &str = "facts-unread";
/// Exception: the policy differs. For a sender: from the one that was attested with the vault key. For an owner: from the
/// one that they last accepted.
pub const POLICY_DIFFERS: &str = "policy-differs";
/// Exception: the metadata differs, in the same sense.
pub const KEY_METADATA_DIFFERS: &str = "facts-differ";
/// Exception: the enclave uses another KMS key than those that the owner accepted for its image at its address.
pub const KEY_DIFFERS: &str = "key-differs";

/// Exception: the KMS key is the operator's. Operator and vault owner together could decrypt outside an enclave.
pub const OPERATOR_ACCOUNT: &str = "operator-account";

/// Compares a KMS key with what its owner last accepted, and records it and its texts as accepted. It is called before
/// the owner signs anything that rests on the key. `named` is set if the owner named this key in the command.
///
/// # Errors
/// [`Error::NotAccepted`] if a text could not be read, and [`Error::KeyChanged`] if the key or a text differs, unless
/// `accepted` names these exceptions; those of [`Home::update_of`].
pub fn accept_as_owner(
    home: &Home,
    session: &Session,
    owner: &OwnerKey,
    key: &AcceptedKey,
    named: bool,
    accepted: Option<&str>,
) -> Result<(), Error> {
    let root = session.root_id();
    let enclave = Enclave { url: session.url().to_string(), image: Hex(*session.image()) };
    home.update_of(owner, |texts: &mut AcceptedTexts| {
        let differences = texts.compare(&root, &enclave, key);
        let exceptions = [
            (differences.key && !named, KEY_DIFFERS),
            (key.policy.is_none(), POLICY_UNREAD),
            (key.metadata.is_none(), KEY_METADATA_UNREAD),
            (differences.policy.is_some(), POLICY_DIFFERS),
            (differences.metadata.is_some(), KEY_METADATA_DIFFERS),
        ];
        let exceptions: Vec<_> = exceptions.into_iter().filter_map(|(holds, name)| holds.then_some(name)).collect();
        accept(&exceptions, accepted).map_err(|error| match error {
            Error::NotAccepted(exceptions) if differences.any() => {
                let files = changed_files(home, &differences);
                Error::KeyChanged(Box::new(KeyChange { arn: key.arn.text().to_owned(), exceptions, files }))
            }
            error => error,
        })?;
        texts.accept(&root, &enclave, key);
        Ok(())
    })
}

/// For each text that differs, where the accepted one and the present one are kept.
fn changed_files(home: &Home, differences: &Differences) -> Vec<(PathBuf, Option<PathBuf>)> {
    let ends = [(differences.policy, POLICY_ENDING), (differences.metadata, KEY_METADATA_ENDING)];
    let differing = ends.into_iter().filter_map(|(difference, ending)| Some((difference?, ending)));
    let files = differing.map(|(Difference { accepted, now }, ending)| {
        (home.policy_path(&accepted, ending), now.map(|now| home.policy_path(&now, ending)))
    });
    files.collect()
}

/// Which KMS key's texts are read.
#[derive(Clone, Copy, Debug)]
pub enum KeyChoice<'a> {
    /// The key of the enclave's configuration.
    Configured,
    /// This key. Only those who may deploy may ask for another one than the configuration's.
    Named(&'a Arn),
    /// The key of this vault. The enclave takes its ARN from the stored statement, so that anyone may ask.
    OfVault(&'a VaultKey),
}

/// Has the enclave read the texts of a KMS key, and keeps them under their digests.
///
/// # Errors
/// [`CoreError::PolicyChanged`] if the session's claims attest other texts of the same key; [`Error::NoKmsKey`] if the
/// configuration's key is asked for and the enclave has no configuration; [`Error::Answered`] if the enclave refuses.
pub fn read(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    choice: KeyChoice<'_>,
) -> Result<AcceptedKey, Error> {
    let attested = session.evidence().claims.kms.clone();
    let configured = attested.as_ref().map(|state| &state.arn);
    let (asked, arn) = match choice {
        KeyChoice::Configured => (PolicyParams::Configured, configured.ok_or(Error::NoKmsKey)?),
        KeyChoice::Named(arn) => (PolicyParams::Key(arn.clone()), arn),
        KeyChoice::OfVault(vault) => (PolicyParams::Statement(vault.owner, vault.epoch), &vault.arn),
    };
    let arn = arn.clone();
    let response = session.send_expect_ok(identity, RequestSpec::new(&asked))?;
    let PolicyTexts { policy, metadata } = PolicyTexts::parse(&response.body)?;
    let key = AcceptedKey {
        arn,
        policy: policy.as_ref().map(|text| sha384(&[text.as_bytes()])),
        metadata: metadata.as_ref().map(|metadata| sha384(&[metadata])),
    };
    if attested.is_some_and(|state| state.arn == key.arn && !key.matches(&state)) {
        return Err(CoreError::PolicyChanged.into());
    }
    if let Some(policy) = policy {
        home.keep_policy(policy.as_bytes(), POLICY_ENDING)?;
    }
    if let Some(metadata) = metadata {
        home.keep_policy(&metadata, KEY_METADATA_ENDING)?;
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
pub fn sender_exceptions(vault: &VaultKey) -> Vec<&'static str> {
    let (policy, key_metadata) = vault.kms.as_ref().map_or((None, None), |kms| (kms.policy, kms.metadata));
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
///
/// # Errors
/// [`CoreError::PolicyChanged`] for another policy; [`Error::Argument`] if `wanted` is invalid.
pub fn check(policy: Option<[u8; 48]>, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    let name = "--key-policy-checksum";
    let Hex(wanted) = Hex::parse(wanted).ok_or(Error::Argument { name, want: SHA384_FORM })?;
    if policy == Some(wanted) { Ok(()) } else { Err(CoreError::PolicyChanged.into()) }
}

/// The names of all exceptions.
pub static EXCEPTIONS: [&str; 6] =
    [POLICY_UNREAD, KEY_METADATA_UNREAD, POLICY_DIFFERS, KEY_METADATA_DIFFERS, KEY_DIFFERS, OPERATOR_ACCOUNT];

/// Checks that each name in `accepted` is the name of an exception. A command calls this before it does anything. A name
/// that is not needed is accepted, because a script cannot know which exceptions hold.
///
/// # Errors
/// [`Error::UnknownException`].
pub fn check_names(accepted: Option<&str>) -> Result<(), Error> {
    let unknown = accepted.and_then(|accepted| accepted.split(',').find(|name| !EXCEPTIONS.contains(name)));
    unknown.map_or(Ok(()), |name| Err(Error::UnknownException { name: name.to_owned(), known: &EXCEPTIONS }))
}

/// Checks that each exception is among `accepted`, which is a list of names joined by commas.
///
/// # Errors
/// [`Error::NotAccepted`] with the exceptions that are not accepted.
pub fn accept(exceptions: &[&'static str], accepted: Option<&str>) -> Result<(), Error> {
    let accepted: Vec<_> = accepted.unwrap_or_default().split(',').collect();
    let left: Vec<_> = exceptions.iter().copied().filter(|name| !accepted.contains(name)).collect();
    if left.is_empty() { Ok(()) } else { Err(Error::NotAccepted(left)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root_id::RootId;
    use enclave_core::crypto::KemSecret;
    use enclave_core::kms::KmsKeyState;
    use enclave_core::{Kid, OwnerKey, UnixMillis};

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
        let key = KemSecret::from_seed(&[7; 32]).unwrap().public();
        let time = UnixMillis::new(0);
        let found = |attested: [Option<[u8; 48]>; 2], [policy, key_metadata]: [Option<[u8; 48]>; 2]| {
            let [attested_policy, metadata] = attested;
            sender_exceptions(&VaultKey {
                owner: OwnerKey::new([1; 32]),
                epoch: 1,
                kid: Kid::of(&key),
                key: key.clone(),
                attested: time,
                until: time,
                operator_key: false,
                kms: Some(KmsKeyState { arn: arn.clone(), policy: attested_policy, metadata, read_at: time }),
                arn: arn.clone(),
                policy,
                key_metadata,
                root: RootId::new([0; 32]),
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
    fn rejects_names_of_exceptions_that_do_not_exist() {
        for names in [None, Some("policy-unread"), Some("operator-account,facts-differ")] {
            assert_eq!(check_names(names), Ok(()));
        }
        for (names, unknown) in
            [("", ""), ("all", "all"), ("policy-unread,", ""), ("policy-unread, facts-unread", " facts-unread")]
        {
            assert_eq!(
                check_names(Some(names)),
                Err(Error::UnknownException { name: unknown.to_owned(), known: &EXCEPTIONS })
            );
        }
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
