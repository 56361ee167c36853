//! Documents that no NSM would make: a chain with one defect each, a payload with one defect each, and what the
//! relying side may expect wrongly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "chains/expected.rs"]
mod expected;
#[path = "chains/maker.rs"]
mod maker;

use enclave_core::verify::{Build, MAX_SKEW, Pins, Root, judge_bare, peek_root};
use enclave_core::{Error, Part};
use enclave_core_aws_lc::AwsLc;
use maker::{Chain, Fields, Level, NOW, build_pcr0};
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use std::collections::BTreeMap;

const MALFORMED: Error = Error::Malformed(Part::Document);

fn pins() -> Pins {
    Pins::new(vec![Build::new(build_pcr0(), BTreeMap::new()).unwrap()], Vec::new()).unwrap()
}

fn judge(document: &[u8], root: &Root) -> Result<(), Error> {
    judge_bare::<AwsLc>(document, root, &pins(), None, NOW, MAX_SKEW).map(|_| ())
}

/// A chain with the defect that `edit` makes, and what its document comes to.
fn chain_with(edit: impl Fn(usize, &mut Level)) -> Result<(), Error> {
    let chain = Chain::new(edit);
    judge(&chain.document(&Fields::of(&chain)), &chain.root()?)
}

/// A document over a sound chain with the defect that `edit` makes in its fields.
fn document_with(edit: impl Fn(&mut Fields)) -> Vec<u8> {
    let chain = Chain::sound();
    let mut fields = Fields::of(chain);
    edit(&mut fields);
    chain.document(&fields)
}

fn fields_with(edit: impl Fn(&mut Fields)) -> Result<(), Error> {
    judge(&document_with(edit), &Chain::sound().root().unwrap())
}

#[test]
fn a_sound_chain_holds() {
    assert_eq!(chain_with(|_, _| {}), Ok(()));
    let root = Chain::sound().root().unwrap();
    assert!(root.is_development());
    let document = document_with(|_| {});
    assert_eq!(peek_root(&document), Ok(root.der()));
    assert!(judge_bare::<AwsLc>(&document, &root, &pins(), None, NOW, MAX_SKEW).unwrap().development);
    assert_eq!(judge(&document, &Root::aws()), Err(Error::UntrustedRoot));
}

#[test]
fn every_authority_has_to_sign_certificates() {
    for at in 0..=3 {
        let without = chain_with(|level, made| {
            if level == at {
                made.params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
            }
        });
        assert_eq!(without, Err(Error::UntrustedRoot), "without keyCertSign at {at}");
        let absent = chain_with(|level, made| {
            if level == at {
                made.params.key_usages.clear();
            }
        });
        assert_eq!(absent, Err(Error::UntrustedRoot), "without keyUsage at {at}");
    }
}

#[test]
fn every_authority_is_one() {
    for at in 0..=3 {
        for not in [IsCa::NoCa, IsCa::ExplicitNoCa] {
            let chain = chain_with(|level, made| {
                if level == at {
                    made.params.is_ca = not;
                }
            });
            assert_eq!(chain, Err(Error::UntrustedRoot), "at {at}");
        }
    }
}

#[test]
fn paths_are_no_longer_than_each_authority_allows() {
    // The root has three below it, the next two, and so on; one less is too short.
    for (at, room) in [(0, 3), (1, 2), (2, 1)] {
        let with = |length| {
            chain_with(|level, made| {
                if level == at {
                    made.params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(length));
                }
            })
        };
        assert_eq!(with(room), Ok(()), "at {at}");
        assert_eq!(with(room - 1), Err(Error::UntrustedRoot), "at {at}");
    }
}

#[test]
fn one_curve_and_one_algorithm() {
    for at in 0..=4 {
        for other in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA384, &rcgen::PKCS_ED25519] {
            let chain = chain_with(|level, made| {
                if level == at {
                    made.algorithm = other;
                }
            });
            // The leaf's own key signs no certificate: its document does not verify.
            let expected = if at == 4 { Error::BadSignature } else { Error::UntrustedRoot };
            assert_eq!(chain, Err(expected), "{other:?} at {at}");
        }
    }
}

#[test]
fn the_leaf_is_one() {
    let leaf = |edit: fn(&mut rcgen::CertificateParams)| {
        chain_with(|level, made| {
            if level == 4 {
                edit(&mut made.params);
            }
        })
    };
    let authority = leaf(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    assert_eq!(authority, Err(Error::UntrustedRoot));
    assert_eq!(leaf(|params| params.is_ca = IsCa::NoCa), Ok(()), "basicConstraints may be absent");
    assert_eq!(leaf(|params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]), Err(Error::UntrustedRoot));
    assert_eq!(leaf(|params| params.key_usages.clear()), Err(Error::UntrustedRoot));
    let server = leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(server, Err(Error::UntrustedRoot));
    let critical = leaf(|params| {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    assert_eq!(critical, Err(Error::Malformed(Part::Certificate)), "critical and unknown");
}

#[test]
fn a_leaf_makes_no_leaves() {
    // The leaf of a sound chain stands where an authority should, with another leaf below it.
    let deeper = Chain::with_leaf_below_leaf();
    assert_eq!(judge(&deeper.document(&Fields::of(&deeper)), &deeper.root().unwrap()), Err(Error::UntrustedRoot));
}

#[test]
fn certificates_hold_at_the_documents_time() {
    for at in 1..=4 {
        let expired = chain_with(|level, made| {
            if level == at {
                made.params.not_after = rcgen::date_time_ymd(2025, 6, 1);
            }
        });
        let not_after = 1_748_736_000_000;
        assert_eq!(expired, Err(Error::Expired { time: not_after, now: NOW }), "at {at}");
        let early = chain_with(|level, made| {
            if level == at {
                made.params.not_before = rcgen::date_time_ymd(2025, 6, 2);
            }
        });
        let not_before = 1_748_822_400_000;
        assert_eq!(early, Err(Error::NotYetValid { time: not_before, now: NOW }), "at {at}");
    }
}

#[test]
fn another_root_of_the_same_name() {
    let (ours, theirs) = (Chain::sound(), Chain::new(|_, _| {}));
    let document = theirs.document(&Fields::of(&theirs));
    assert_eq!(judge(&document, &ours.root().unwrap()), Err(Error::UntrustedRoot));
    // Even when it claims ours.
    let mut fields = Fields::of(&theirs);
    fields.cabundle[0].clone_from(&ours.bundle[0]);
    assert_eq!(judge(&theirs.document(&fields), &ours.root().unwrap()), Err(Error::UntrustedRoot));
}

#[test]
fn the_bundle_is_the_path() {
    let refused = Err(Error::UntrustedRoot);
    let other = Chain::new(|_, _| {});
    assert_eq!(fields_with(|fields| fields.cabundle.clear()), refused);
    assert_eq!(fields_with(|fields| drop(fields.cabundle.remove(0))), refused, "without the root");
    assert_eq!(fields_with(|fields| fields.cabundle[0].clone_from(&other.bundle[0])), refused, "under another root");
    assert_eq!(fields_with(|fields| drop(fields.cabundle.remove(2))), refused, "with a gap");
    assert_eq!(fields_with(|fields| fields.cabundle.swap(1, 2)), refused, "out of order");
    assert_eq!(fields_with(|fields| fields.cabundle.push(other.bundle[1].clone())), refused, "one beside it");
    assert_eq!(fields_with(|fields| fields.cabundle.insert(1, fields.cabundle[0].clone())), refused, "the root twice");
    let mut nine = vec![vec![0; 8]; 9];
    nine[0].clone_from(&Chain::sound().bundle[0]);
    assert_eq!(fields_with(|fields| fields.cabundle.clone_from(&nine)), Err(MALFORMED), "nine");
    assert_eq!(fields_with(|fields| fields.certificate = vec![0x30, 0]), Err(Error::Malformed(Part::Certificate)));
}

#[test]
fn a_signature_by_another_leaf() {
    let (ours, theirs) = (Chain::sound(), Chain::new(|_, _| {}));
    let document = theirs.document(&Fields::of(ours));
    assert_eq!(judge(&document, &ours.root().unwrap()), Err(Error::BadSignature));
}
