//! The texts of KMS keys that the owner last accepted. Whatever the owner signs next is compared with them.
//!
//! Without this record a weaker key policy would go unnoticed: the enclave attests whatever policy it reads, and senders
//! compare with what was attested last.

use super::folders::Place;
use super::{OwnedState, State};
use crate::root_id::RootId;
use crate::values::{Hex, OwnerText};
use enclave_core::kms::AcceptedKey;
use enclave_core::{OwnerKey, Pcr};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The digests of one KMS key's texts, under one root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    root: Hex<RootId>,
    arn: String,
    /// SHA-384 of the policy. `None` if no enclave could read it yet.
    policy: Option<Hex<[u8; 48]>>,
    /// SHA-384 of the metadata. `None` if no enclave could read it yet.
    metadata: Option<Hex<[u8; 48]>>,
    /// The enclaves that sealed under this key for the owner.
    enclaves: BTreeSet<Enclave>,
}

/// An image at an address. A new image has a policy that names it, and often a key of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enclave {
    /// The address.
    pub url: String,
    /// PCR0 of the image.
    pub image: Hex<Pcr>,
}

/// The accepted texts of all KMS keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedTexts {
    owner: Option<OwnerText>,
    keys: Vec<Texts>,
}

impl State for AcceptedTexts {
    const PLACE: Place = Place::data("accepted.json");
}

impl OwnedState for AcceptedTexts {
    fn owner(&self) -> Option<OwnerKey> {
        self.owner.map(|owner| owner.0)
    }

    fn set_owner(&mut self, owner: OwnerKey) {
        self.owner = Some(OwnerText(owner));
    }
}

/// A text that differs from the accepted one: the digests of both. `now` is `None` if the text cannot be read any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// SHA-384 of the accepted text.
    pub accepted: [u8; 48],
    /// SHA-384 of the present text.
    pub now: Option<[u8; 48]>,
}

/// How a KMS key differs from what was accepted. A text is `None` if it is the same, or if none was accepted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Whether the same image at the same address used other keys until now, and not this one.
    pub key: bool,
    /// The policy.
    pub policy: Option<Difference>,
    /// The metadata.
    pub metadata: Option<Difference>,
}

impl Differences {
    /// Whether anything differs.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl AcceptedTexts {
    /// Whether texts of this key were accepted under this root.
    pub fn contains(&self, root: &RootId, arn: &str) -> bool {
        self.find(root, arn).is_some()
    }

    /// Compares the KMS key that an enclave uses, and its present texts, with what was accepted.
    pub fn compare(&self, root: &RootId, enclave: &Enclave, key: &AcceptedKey) -> Differences {
        let mut used =
            self.keys.iter().filter(|texts| texts.root.0 == *root && texts.enclaves.contains(enclave)).peekable();
        let other_key = used.peek().is_some() && used.all(|texts| texts.arn != key.arn.text());
        let Some(accepted) = self.find(root, key.arn.text()) else {
            return Differences { key: other_key, ..Differences::default() };
        };
        let compare = |accepted: Option<Hex<[u8; 48]>>, now: Option<[u8; 48]>| {
            let accepted = accepted?.0;
            (now != Some(accepted)).then_some(Difference { accepted, now })
        };
        Differences {
            key: other_key,
            policy: compare(accepted.policy, key.policy),
            metadata: compare(accepted.metadata, key.metadata),
        }
    }

    /// Records a KMS key and its present texts as accepted for this enclave. A text that could not be read does not replace
    /// one that was.
    pub fn accept(&mut self, root: &RootId, enclave: &Enclave, key: &AcceptedKey) {
        let (policy, metadata, enclave) = (key.policy.map(Hex), key.metadata.map(Hex), enclave.clone());
        let known = self.keys.iter_mut().find(|texts| texts.root.0 == *root && texts.arn == key.arn.text());
        match known {
            Some(known) => {
                known.policy = policy.or(known.policy);
                known.metadata = metadata.or(known.metadata);
                known.enclaves.insert(enclave);
            }
            None => {
                let (root, arn) = (Hex(*root), key.arn.text().to_owned());
                self.keys.push(Texts { root, arn, policy, metadata, enclaves: BTreeSet::from([enclave]) });
            }
        }
    }

    /// Adds the keys of `other` that this record lacks.
    pub fn merge(&mut self, other: Self) {
        let missing = other.keys.into_iter().filter(|texts| self.find(&texts.root.0, &texts.arn).is_none());
        let missing: Vec<_> = missing.collect();
        self.keys.extend(missing);
    }

    fn find(&self, root: &RootId, arn: &str) -> Option<&Texts> {
        self.keys.iter().find(|texts| texts.root.0 == *root && texts.arn == arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::ARN;
    use enclave_core::kms::Arn;

    const ROOT: RootId = RootId::new([1; 32]);

    /// An enclave at this address.
    fn at(url: &str) -> Enclave {
        Enclave { url: url.to_owned(), image: Hex(Pcr::new([1; 48])) }
    }

    fn key(policy: Option<u8>, metadata: Option<u8>) -> AcceptedKey {
        let digest = |byte: Option<u8>| byte.map(|byte| [byte; 48]);
        AcceptedKey { arn: Arn::parse(ARN).unwrap(), policy: digest(policy), metadata: digest(metadata) }
    }

    #[test]
    fn finds_each_text_that_differs_from_the_accepted_one() {
        let mut accepted = AcceptedTexts::default();
        // Nothing was accepted yet, so nothing differs.
        assert_eq!(accepted.compare(&ROOT, &at("a"), &key(Some(1), Some(2))), Differences::default());
        accepted.accept(&ROOT, &at("a"), &key(Some(1), Some(2)));
        let differs = |policy, metadata| {
            let found = accepted.compare(&ROOT, &at("a"), &key(policy, metadata));
            (found.policy.is_some(), found.metadata.is_some())
        };
        assert_eq!(differs(Some(1), Some(2)), (false, false));
        assert_eq!(differs(Some(9), Some(2)), (true, false));
        assert_eq!(differs(Some(1), Some(9)), (false, true));
        assert_eq!(differs(None, None), (true, true));
        // Each root has keys of its own.
        let other = RootId::new([2; 32]);
        assert_eq!(accepted.compare(&other, &at("a"), &key(Some(9), Some(9))), Differences::default());
    }

    #[test]
    fn finds_another_key_than_the_enclave_used_until_now() {
        let mut accepted = AcceptedTexts::default();
        let other = Arn::parse(&ARN.replace("138395648162", "111122223333")).unwrap();
        let other = AcceptedKey { arn: other, policy: None, metadata: None };
        let differs = |accepted: &AcceptedTexts, at: &Enclave, key: &AcceptedKey| accepted.compare(&ROOT, at, key).key;
        assert!(!differs(&accepted, &at("a"), &other));
        accepted.accept(&ROOT, &at("a"), &key(None, None));
        assert!(differs(&accepted, &at("a"), &other) && !differs(&accepted, &at("a"), &key(None, None)));
        let other_image = Enclave { image: Hex(Pcr::new([2; 48])), ..at("a") };
        assert!(!differs(&accepted, &at("b"), &other) && !differs(&accepted, &other_image, &other));
        accepted.accept(&ROOT, &at("a"), &other);
        assert!(!differs(&accepted, &at("a"), &other) && !differs(&accepted, &at("a"), &key(None, None)));
    }

    #[test]
    fn an_unreadable_text_does_not_replace_an_accepted_one() {
        let mut accepted = AcceptedTexts::default();
        accepted.accept(&ROOT, &at("a"), &key(Some(1), None));
        accepted.accept(&ROOT, &at("a"), &key(None, Some(2)));
        assert_eq!(accepted.compare(&ROOT, &at("a"), &key(Some(1), Some(2))), Differences::default());
        let policy = accepted.compare(&ROOT, &at("a"), &key(Some(3), Some(2))).policy;
        assert_eq!(policy, Some(Difference { accepted: [1; 48], now: Some([3; 48]) }));
    }

    #[test]
    fn a_merge_adds_only_what_is_missing() {
        let (mut here, mut imported) = (AcceptedTexts::default(), AcceptedTexts::default());
        here.accept(&ROOT, &at("a"), &key(Some(1), Some(1)));
        imported.accept(&ROOT, &at("a"), &key(Some(2), Some(2)));
        imported.accept(&RootId::new([2; 32]), &at("a"), &key(Some(3), Some(3)));
        here.merge(imported);
        assert_eq!(here.compare(&ROOT, &at("a"), &key(Some(1), Some(1))), Differences::default());
        assert!(here.contains(&RootId::new([2; 32]), ARN));
    }
}
