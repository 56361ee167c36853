//! Documents that no NSM would make: each has one defect in its chain or its payload, or differs from what the verifier
//! expects.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "chains/expected.rs"]
mod expected;
#[path = "chains/maker.rs"]
mod maker;

use enclave_core::attestation::{Build, DocumentError, MAX_SKEW, Pins, Root, named_root, verify_unbound};
use enclave_core::{Error, MessageKind, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use maker::{Chain, Fields, Level, NOW, PCR0};
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use std::collections::BTreeMap;

fn pins() -> Pins {
    Pins::new(vec![Build::new(PCR0, BTreeMap::new()).unwrap()], Vec::new()).unwrap()
}

fn verify(document: &[u8], root: &Root) -> Result<(), Error> {
    verify_unbound::<AwsLc>(document, root, &pins(), None, NOW, MAX_SKEW).map(|_| ())
}

/// The result for a document over a chain with the defect that `edit` makes.
fn chain_with(edit: impl Fn(usize, &mut Level)) -> Result<(), Error> {
    let chain = Chain::new(edit);
    verify(&chain.document(&Fields::of(&chain)), &chain.root()?)
}

/// A document over a valid chain, with the defect that `edit` makes in its fields.
fn document_with(edit: impl Fn(&mut Fields)) -> Vec<u8> {
    let chain = Chain::valid();
    let mut fields = Fields::of(chain);
    edit(&mut fields);
    chain.document(&fields)
}

fn fields_with(edit: impl Fn(&mut Fields)) -> Result<(), Error> {
    verify(&document_with(edit), &Chain::valid().root().unwrap())
}

#[test]
fn accepts_a_valid_chain_under_its_own_root_only() {
    assert_eq!(chain_with(|_, _| {}), Ok(()));
    let root = Chain::valid().root().unwrap();
    assert!(root.is_development());
    let document = document_with(|_| {});
    assert_eq!(named_root(&document), Ok(root.der()));
    assert!(verify_unbound::<AwsLc>(&document, &root, &pins(), None, NOW, MAX_SKEW).unwrap().development);
    assert_eq!(verify(&document, &Root::aws()), Err(Error::UntrustedRoot));
}

#[test]
fn rejects_an_authority_without_the_right_to_sign_certificates() {
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
fn rejects_an_authority_that_is_no_ca() {
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
fn rejects_a_path_that_is_longer_than_an_authority_allows() {
    // Below the root are three authorities, below the next two, and so on. A limit that is one less rejects the path.
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
fn rejects_every_algorithm_but_ecdsa_with_p384_and_sha384() {
    for at in 0..=4 {
        for other in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA384, &rcgen::PKCS_ED25519] {
            let chain = chain_with(|level, made| {
                if level == at {
                    made.algorithm = other;
                }
            });
            // The leaf's key signs no certificate. It fails at the document's signature.
            let expected = if at == 4 { Error::BadSignature } else { Error::UntrustedRoot };
            assert_eq!(chain, Err(expected), "{other:?} at {at}");
        }
    }
}

#[test]
fn rejects_a_leaf_with_another_usage() {
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
    assert_eq!(critical, Err(Error::Malformed(MessageKind::Certificate)), "critical and unknown");
}

#[test]
fn rejects_a_leaf_that_another_leaf_signed() {
    // A leaf takes the place of an authority, and another leaf is below it.
    let deeper = Chain::with_leaf_below_leaf();
    assert_eq!(verify(&deeper.document(&Fields::of(&deeper)), &deeper.root().unwrap()), Err(Error::UntrustedRoot));
}

#[test]
fn certificates_must_be_valid_at_the_documents_time() {
    for at in 1..=4 {
        let expired = chain_with(|level, made| {
            if level == at {
                made.params.not_after = rcgen::date_time_ymd(2025, 6, 1);
            }
        });
        let not_after = UnixMillis::new(1_748_736_000_000);
        assert_eq!(expired, Err(Error::CertificateExpired { time: not_after, now: NOW }), "at {at}");
        let early = chain_with(|level, made| {
            if level == at {
                made.params.not_before = rcgen::date_time_ymd(2025, 6, 2);
            }
        });
        let not_before = UnixMillis::new(1_748_822_400_000);
        assert_eq!(early, Err(Error::CertificateNotYetValid { time: not_before, now: NOW }), "at {at}");
    }
}

#[test]
fn rejects_another_root_of_the_same_name() {
    let (ours, theirs) = (Chain::valid(), Chain::new(|_, _| {}));
    let document = theirs.document(&Fields::of(&theirs));
    assert_eq!(verify(&document, &ours.root().unwrap()), Err(Error::UntrustedRoot));
    // The result is the same if the bundle contains our root.
    let mut fields = Fields::of(&theirs);
    fields.cabundle[0].clone_from(&ours.bundle[0]);
    assert_eq!(verify(&theirs.document(&fields), &ours.root().unwrap()), Err(Error::UntrustedRoot));
}

#[test]
fn the_bundle_must_be_exactly_the_path() {
    let rejected = Err(Error::UntrustedRoot);
    let other = Chain::new(|_, _| {});
    assert_eq!(fields_with(|fields| fields.cabundle.clear()), rejected);
    assert_eq!(fields_with(|fields| drop(fields.cabundle.remove(0))), rejected, "without the root");
    assert_eq!(fields_with(|fields| fields.cabundle[0].clone_from(&other.bundle[0])), rejected, "under another root");
    assert_eq!(fields_with(|fields| drop(fields.cabundle.remove(2))), rejected, "with a gap");
    assert_eq!(fields_with(|fields| fields.cabundle.swap(1, 2)), rejected, "out of order");
    assert_eq!(
        fields_with(|fields| fields.cabundle.push(other.bundle[1].clone())),
        rejected,
        "an additional certificate"
    );
    assert_eq!(fields_with(|fields| fields.cabundle.insert(1, fields.cabundle[0].clone())), rejected, "the root twice");
    let mut nine = vec![vec![0; 8]; 9];
    nine[0].clone_from(&Chain::valid().bundle[0]);
    let too_many = fields_with(|fields| fields.cabundle.clone_from(&nine));
    assert_eq!(too_many, Err(Error::Document(DocumentError::Cabundle(8))), "nine certificates");
    assert_eq!(
        fields_with(|fields| fields.certificate = vec![0x30, 0]),
        Err(Error::Malformed(MessageKind::Certificate))
    );
}

#[test]
fn rejects_a_signature_by_another_leaf() {
    let (ours, theirs) = (Chain::valid(), Chain::new(|_, _| {}));
    let document = theirs.document(&Fields::of(ours));
    assert_eq!(verify(&document, &ours.root().unwrap()), Err(Error::BadSignature));
}
