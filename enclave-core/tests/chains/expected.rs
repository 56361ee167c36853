//! Payloads with one defect each, PCRs and pins, and what is expected wrongly of a document.

use crate::maker::{CLAIMS, CONFIGURATION, Chain, Fields, NONCE, NOW};
use crate::{MALFORMED, document_with, fields_with, pins};
use enclave_core::Error;
use enclave_core::document::Document;
use enclave_core::verify::{
    Build, Expected, Freshness, MAX_SKEW, Pins, Purpose, Session, Vault, Verified, judge_bare, verify,
};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;

#[test]
fn payloads_of_another_shape() {
    for indefinite in [false, true] {
        assert_eq!(fields_with(|fields| fields.indefinite = indefinite), Ok(()));
        let refuse = |why: &str, edit: fn(&mut Fields)| {
            let refused = fields_with(|fields| {
                fields.indefinite = indefinite;
                edit(fields);
            });
            assert_eq!(refused, Err(MALFORMED), "{why}");
        };
        refuse("another digest", |fields| fields.digest = "SHA256".into());
        refuse("a key twice", |fields| fields.also.push(("timestamp", vec![0x00])));
        refuse("a key that is not known", |fields| fields.also.push(("extra", vec![0xf6])));
        refuse("no module id", |fields| fields.without = "module_id");
        refuse("an empty module id", |fields| fields.module_id.clear());
        refuse("no digest", |fields| fields.without = "digest");
        refuse("no timestamp", |fields| fields.without = "timestamp");
        refuse("no PCRs", |fields| fields.without = "pcrs");
        refuse("no certificate", |fields| fields.without = "certificate");
        refuse("no bundle", |fields| fields.without = "cabundle");
        refuse("a PCR of 32 bytes", |fields| drop(fields.pcrs.insert(5, vec![0; 32])));
        refuse("a PCR beyond 31", |fields| drop(fields.pcrs.insert(32, vec![0; 48])));
        refuse("user data over 1,024 bytes", |fields| fields.user_data = Some(vec![0; 1025]));
        refuse("a public key over 1,024 bytes", |fields| fields.public_key = Some(vec![0; 1025]));
        refuse("a nonce over 1,024 bytes", |fields| fields.nonce = Some(vec![0; 1025]));
        refuse("a certificate over 1,024 bytes", |fields| fields.certificate = vec![0; 1025]);
        refuse("another algorithm", |fields| fields.protected = vec![0xa1, 0x01, 0x26]);
        refuse("more in the protected header", |fields| fields.protected = vec![0xa2, 0x01, 0x38, 0x22, 0x04, 0x40]);
    }
    for field in ["public_key", "user_data", "nonce"] {
        assert_eq!(fields_with(|fields| fields.without = field), Ok(()), "{field} may be absent");
    }
    let full = document_with(|fields| fields.user_data = Some(vec![7; 1024]));
    assert_eq!(Document::parse(&full).unwrap().user_data, Some(&[7; 1024][..]));
}

#[test]
fn debug_mode_comes_before_every_comparison() {
    let refused = Err(Error::DebugMode);
    for index in 0..=2 {
        assert_eq!(fields_with(|fields| drop(fields.pcrs.insert(index, vec![0; 48]))), refused);
    }
    let zeros = |pcr0: u8, other| Build::new([pcr0; 48], BTreeMap::from([(other, [0; 48])])).map(|_| ());
    assert_eq!(Build::new([0; 48], BTreeMap::new()).map(|_| ()), refused, "zeros cannot be pinned");
    assert_eq!(zeros(1, 2), refused);
    assert_eq!(zeros(1, 8), Err(Error::NoPins));
}

#[test]
fn pcrs_that_are_missing_or_differ() {
    for index in 0..=2 {
        let missing = fields_with(|fields| drop(fields.pcrs.remove(&index)));
        assert_eq!(missing, Err(Error::PcrMismatch(index as u8)));
    }
    let (document, root) = (document_with(|_| {}), Chain::sound().root().unwrap());
    let judge =
        |pins: &Pins| judge_bare::<AwsLc>(&document, &root, pins, None, NOW, MAX_SKEW).map(|judged| judged.build);
    let pcrs = Document::parse(&document).unwrap().pcrs;
    let build = |pcr0, others: &[(u8, [u8; 48])]| Build::new(pcr0, others.iter().copied().collect()).unwrap();
    let pins = |builds| Pins::new(builds, Vec::new()).unwrap();

    assert_eq!(judge(&pins(vec![build([9; 48], &[])])), Err(Error::PcrMismatch(0)));
    assert_eq!(judge(&pins(vec![build(pcrs[&0], &[(1, pcrs[&1]), (4, pcrs[&4])])])), Ok(0));
    assert_eq!(judge(&pins(vec![build(pcrs[&0], &[(1, pcrs[&1]), (4, [9; 48])])])), Err(Error::PcrMismatch(4)));
    assert_eq!(judge(&pins(vec![build(pcrs[&0], &[(20, [9; 48])])])), Err(Error::PcrMismatch(20)), "not locked");
    assert_eq!(judge(&pins(vec![build(pcrs[&0], &[(200, [9; 48])])])), Err(Error::PcrMismatch(200)), "no such PCR");
    // Another build's PCRs do not complete this one's.
    let mixed = vec![build([9; 48], &[(4, pcrs[&4])]), build(pcrs[&0], &[(4, [9; 48])])];
    assert_eq!(judge(&pins(mixed)), Err(Error::PcrMismatch(4)));
    let second = vec![build([9; 48], &[]), build(pcrs[&0], &[])];
    assert_eq!(judge(&pins(second)), Ok(1));
    let revoked = Pins::new(vec![build(pcrs[&0], &[])], vec![[9; 48], pcrs[&0]]).unwrap();
    assert_eq!(judge(&revoked), Err(Error::Revoked));
    assert_eq!(Pins::new(Vec::new(), vec![[9; 48]]), Err(Error::NoPins));
}

/// A session's document as it is expected; `edit` changes the document, `expect` the expectation.
fn verify_with<P: Purpose>(
    edit: impl Fn(&mut Fields),
    freshness: Freshness,
    claims: &[u8],
    configuration: &[u8],
) -> Result<Verified<P>, Error> {
    let document = document_with(edit);
    let (root, pins) = (Chain::sound().root().unwrap(), pins());
    verify::<AwsLc, P>(&document, &Expected::new(&root, &pins, freshness, claims, configuration))
}

const FRESH: Freshness = Freshness::Nonce { nonce: NONCE, now: NOW };

#[test]
fn a_document_of_a_session() {
    let verified = verify_with::<Session>(|_| {}, FRESH, CLAIMS, CONFIGURATION).unwrap();
    assert_eq!(verified.document().timestamp, NOW);
    assert_eq!(verified.document().build, 0);
    assert!(verified.document().development);
    let refused = |edit: fn(&mut Fields)| verify_with::<Session>(edit, FRESH, CLAIMS, CONFIGURATION).map(|_| ());
    assert_eq!(refused(|fields| fields.nonce = Some(vec![1; 32])), Err(Error::NonceMismatch));
    assert_eq!(refused(|fields| fields.nonce = Some(NONCE[..31].to_vec())), Err(Error::NonceMismatch));
    assert_eq!(refused(|fields| fields.nonce = None), Err(Error::NonceMismatch));
    assert_eq!(refused(|fields| fields.user_data = None), Err(Error::ClaimsMismatch));
    assert_eq!(refused(|fields| fields.user_data = Some(CLAIMS.to_vec())), Err(Error::ClaimsMismatch));
    assert_eq!(refused(|fields| fields.public_key = Some(Vec::new())), Err(Error::ClaimsMismatch));
    assert_eq!(refused(|fields| drop(fields.pcrs.remove(&16))), Err(Error::ConfigurationMismatch));
    assert_eq!(refused(|fields| drop(fields.pcrs.insert(16, vec![0; 48]))), Err(Error::ConfigurationMismatch));
    assert_eq!(refused(|fields| drop(fields.pcrs.insert(0, vec![8; 48]))), Err(Error::PcrMismatch(0)));
}

#[test]
fn other_claims_and_other_configurations() {
    let claims = |claims| verify_with::<Session>(|_| {}, FRESH, claims, CONFIGURATION).map(|_| ());
    assert_eq!(claims(b"other"), Err(Error::ClaimsMismatch));
    assert_eq!(claims(b""), Err(Error::ClaimsMismatch));
    let configuration = |bytes| verify_with::<Session>(|_| {}, FRESH, CLAIMS, bytes).map(|_| ());
    assert_eq!(configuration(b"other"), Err(Error::ConfigurationMismatch));
    assert_eq!(configuration(b""), Err(Error::ConfigurationMismatch));
}

#[test]
fn one_purpose_is_not_the_other() {
    let vault = |fields: &mut Fields| fields.user_data = Some(Vault::user_data(CLAIMS).to_vec());
    assert!(verify_with::<Vault>(vault, FRESH, CLAIMS, CONFIGURATION).is_ok());
    let session = verify_with::<Session>(vault, FRESH, CLAIMS, CONFIGURATION);
    assert_eq!(session.map(|_| ()), Err(Error::ClaimsMismatch));
    let vault = verify_with::<Vault>(|_| {}, FRESH, CLAIMS, CONFIGURATION);
    assert_eq!(vault.map(|_| ()), Err(Error::ClaimsMismatch));
}

#[test]
fn stored_documents_have_an_age_and_anybodys_nonce() {
    let judge = |at, max_age, nonce: Option<Vec<u8>>| {
        let edit = move |fields: &mut Fields| fields.nonce.clone_from(&nonce);
        verify_with::<Session>(edit, Freshness::Stored { at, max_age }, CLAIMS, CONFIGURATION).map(|_| ())
    };
    for nonce in [None, Some(vec![1; 32])] {
        assert_eq!(judge(NOW + 1_000, 1_000, nonce.clone()), Ok(()));
        let expired = Err(Error::Expired { time: NOW, now: NOW + 1_001 });
        assert_eq!(judge(NOW + 1_001, 1_000, nonce.clone()), expired);
        assert_eq!(judge(NOW - MAX_SKEW, 0, nonce.clone()), Ok(()));
        let early = Err(Error::NotYetValid { time: NOW, now: NOW - MAX_SKEW - 1 });
        assert_eq!(judge(NOW - MAX_SKEW - 1, u64::MAX, nonce), early);
    }
}

#[test]
fn an_answer_that_comes_late() {
    let at = |now| {
        let freshness = Freshness::Nonce { nonce: NONCE, now };
        verify_with::<Session>(|_| {}, freshness, CLAIMS, CONFIGURATION).map(|_| ())
    };
    assert_eq!(at(NOW + MAX_SKEW), Ok(()));
    assert_eq!(at(NOW + MAX_SKEW + 1), Err(Error::Expired { time: NOW, now: NOW + MAX_SKEW + 1 }));
    assert_eq!(at(u64::MAX), Err(Error::Expired { time: NOW, now: u64::MAX }));
    assert_eq!(at(0), Err(Error::NotYetValid { time: NOW, now: 0 }));
}
