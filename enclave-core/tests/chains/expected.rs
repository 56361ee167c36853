//! Payloads with one defect each, PCRs and pins, and documents that differ from what the verifier expects.

use crate::maker::{CLAIMS, CONFIGURATION, Chain, Fields, NONCE, NOW};
use crate::{document_with, fields_with, pins};
use enclave_core::attestation::{
    Build, Document, Expected, Freshness, MAX_SKEW, Pins, Purpose, SessionPurpose, VaultPurpose, Verified, verify,
    verify_unbound,
};
use enclave_core::{CONFIGURATION_PCR, Error, Pcr, UnixMillis};
use enclave_core_aws_lc::AwsLc;
use std::collections::BTreeMap;

/// The value of no PCR of the document.
const OTHER: Pcr = Pcr::new([0xee; 48]);

#[test]
fn rejects_payloads_with_a_missing_unknown_or_invalid_field() {
    for indefinite in [false, true] {
        assert_eq!(fields_with(|fields| fields.indefinite = indefinite), Ok(()));
        let rejects = |why: &str, code: &str, edit: fn(&mut Fields)| {
            let rejected = fields_with(|fields| {
                fields.indefinite = indefinite;
                edit(fields);
            });
            assert_eq!(rejected.map_err(Error::code), Err(code), "{why}");
        };
        rejects("another digest", "document-digest", |fields| fields.digest = "SHA256".into());
        let twice = "document-duplicate-key";
        rejects("a key twice", twice, |fields| fields.also.push(("timestamp", vec![0x00])));
        rejects("an unknown key", "document-unknown-key", |fields| fields.also.push(("extra", vec![0xf6])));
        let missing = "document-missing-key";
        rejects("no module id", missing, |fields| fields.without = "module_id");
        rejects("no digest", missing, |fields| fields.without = "digest");
        rejects("no timestamp", missing, |fields| fields.without = "timestamp");
        rejects("no PCRs", missing, |fields| fields.without = "pcrs");
        rejects("no certificate", missing, |fields| fields.without = "certificate");
        rejects("no bundle", missing, |fields| fields.without = "cabundle");
        let size = "document-field-size";
        rejects("an empty module id", size, |fields| fields.module_id.clear());
        rejects("a PCR of 32 bytes", size, |fields| drop(fields.pcrs.insert(5, vec![0; 32])));
        rejects("user data over 1,024 bytes", size, |fields| fields.user_data = Some(vec![0; 1025]));
        rejects("a public key over 1,024 bytes", size, |fields| fields.public_key = Some(vec![0; 1025]));
        rejects("a nonce over 1,024 bytes", size, |fields| fields.nonce = Some(vec![0; 1025]));
        rejects("a certificate over 1,024 bytes", size, |fields| fields.certificate = vec![0; 1025]);
        rejects("a PCR beyond 31", "document-pcr-index", |fields| drop(fields.pcrs.insert(32, vec![0; 48])));
        let algorithm = "document-algorithm";
        rejects("another algorithm", algorithm, |fields| fields.protected = vec![0xa1, 0x01, 0x26]);
        rejects("more in the protected header", algorithm, |fields| {
            fields.protected = vec![0xa2, 0x01, 0x38, 0x22, 0x04, 0x40];
        });
    }
    for field in ["public_key", "user_data", "nonce"] {
        assert_eq!(fields_with(|fields| fields.without = field), Ok(()), "{field} may be absent");
    }
    let full = document_with(|fields| fields.user_data = Some(vec![7; 1024]));
    assert_eq!(Document::parse(&full).unwrap().user_data, Some(&[7; 1024][..]));
}

/// Each of these documents has a valid signature. The sentence names what is wrong with it.
#[test]
fn names_what_is_wrong_with_a_signed_document() {
    let text = |edit: &dyn Fn(&mut Fields)| fields_with(edit).unwrap_err().to_string();
    let replaced = |name: &'static str, value: Vec<u8>| {
        text(&|fields| {
            fields.without = name;
            fields.also.push((name, value.clone()));
        })
    };
    let pcr = [&[0x00, 0x58, 48][..], &[7; 48]].concat();
    for (name, value) in [("pcrs", [&[0xbf], pcr.as_slice(), &[0xff]].concat()), ("cabundle", vec![0x9f, 0xff])] {
        let expected =
            format!("document-indefinite-length: {name} is of indefinite length, which only the payload's map may be");
        assert_eq!(replaced(name, value), expected);
    }
    let x_wing = text(&|fields| fields.public_key = Some(vec![7; 1216]));
    assert_eq!(x_wing, "document-field-size: public_key has 1216 bytes, and must have 0 to 1024");
    assert_eq!(replaced("nonce", vec![0xf7]), "document-field-type: nonce is of another type than AWS documents");
    let long = replaced("timestamp", vec![0x18, 0x01]);
    assert_eq!(long, "document-long-head: timestamp has a length or a number in more bytes than necessary");
    assert_eq!(
        replaced("pcrs", [&[0xa2], pcr.as_slice(), &pcr].concat()),
        "document-duplicate-key: the key of a PCR is there twice"
    );
    // A key could otherwise command the reader's terminal.
    let unknown = |key: &'static str| text(&move |fields| fields.also.push((key, vec![0xf6])));
    assert_eq!(unknown("a\u{1b}[2K"), "document-unknown-key: the key \"a\\x1b[2K\" is unknown");
    let name = "a key of more than thirty-two bytes";
    assert_eq!(unknown(name), format!("document-unknown-key: the key \"{}…\" is unknown", &name[..32]));
    // A NitroTPM's document has `nitrotpm_pcrs` in the place of `pcrs`. It may break other rules too.
    let nitro_tpm = |fields: &mut Fields| {
        fields.without = "pcrs";
        fields.also.push(("nitrotpm_pcrs", [&[0xa1], pcr.as_slice()].concat()));
    };
    assert!(text(&nitro_tpm).starts_with("nitrotpm-document: it is the document of a NitroTPM"));
    let long = text(&|fields| {
        fields.user_data = Some(vec![7; 1025]);
        nitro_tpm(fields);
    });
    assert!(long.starts_with("nitrotpm-document: "), "{long}");
}

#[test]
fn rejects_debug_mode_before_any_comparison() {
    let rejected = Err(Error::DebugMode);
    for index in 0..=2 {
        assert_eq!(fields_with(|fields| drop(fields.pcrs.insert(index, vec![0; 48]))), rejected);
    }
    assert_eq!(Build::new(Pcr::ZERO, BTreeMap::new()).map(|_| ()), rejected, "zeros cannot be pinned");
    let zero_in = |index| Build::new(OTHER, BTreeMap::from([(index, Pcr::ZERO)])).map(|_| ());
    assert_eq!(zero_in(2), rejected);
    assert_eq!(zero_in(8), Err(Error::ZeroPin(8)));
}

#[test]
fn rejects_missing_and_different_pcrs() {
    for index in 0..=2 {
        let missing = fields_with(|fields| drop(fields.pcrs.remove(&index)));
        assert_eq!(missing, Err(Error::PcrMismatch(index as u8)));
    }
    let (document, root) = (document_with(|_| {}), Chain::valid().root().unwrap());
    let build_of =
        |pins: &Pins| verify_unbound::<AwsLc>(&document, &root, pins, None, NOW, MAX_SKEW).map(|facts| facts.build);
    let pcrs = Document::parse(&document).unwrap().pcrs;
    let build = |pcr0, others: &[(u8, Pcr)]| Build::new(pcr0, others.iter().copied().collect()).unwrap();
    let pins = |builds| Pins::new(builds, Vec::new()).unwrap();

    assert_eq!(build_of(&pins(vec![build(OTHER, &[])])), Err(Error::PcrMismatch(0)));
    assert_eq!(build_of(&pins(vec![build(pcrs[&0], &[(1, pcrs[&1]), (4, pcrs[&4])])])), Ok(0));
    assert_eq!(build_of(&pins(vec![build(pcrs[&0], &[(1, pcrs[&1]), (4, OTHER)])])), Err(Error::PcrMismatch(4)));
    assert_eq!(build_of(&pins(vec![build(pcrs[&0], &[(20, OTHER)])])), Err(Error::PcrMismatch(20)), "not locked");
    assert_eq!(build_of(&pins(vec![build(pcrs[&0], &[(200, OTHER)])])), Err(Error::PcrMismatch(200)), "no such PCR");
    // All pinned PCRs must be of the same build.
    let mixed = vec![build(OTHER, &[(4, pcrs[&4])]), build(pcrs[&0], &[(4, OTHER)])];
    assert_eq!(build_of(&pins(mixed)), Err(Error::PcrMismatch(4)));
    let second = vec![build(OTHER, &[]), build(pcrs[&0], &[])];
    assert_eq!(build_of(&pins(second)), Ok(1));
    let revoking = |revoked| build_of(&Pins::new(vec![build(pcrs[&0], &[])], revoked).unwrap());
    assert_eq!(revoking(vec![OTHER, pcrs[&0]]), Err(Error::Revoked));
    assert_eq!(revoking(vec![OTHER]), Ok(0), "another build is revoked");
    assert_eq!(Pins::new(Vec::new(), vec![OTHER]), Err(Error::NoPins));
}

/// Verifies a session's document that `edit` changed, against these expectations.
fn verify_with<P: Purpose>(
    edit: impl Fn(&mut Fields),
    freshness: Freshness,
    claims: &[u8],
    configuration: &[u8],
) -> Result<Verified<P>, Error> {
    let document = document_with(edit);
    let (root, pins) = (Chain::valid().root().unwrap(), pins());
    verify::<AwsLc, P>(&document, &Expected::new(&root, &pins, freshness, claims, configuration))
}

const FRESH: Freshness = Freshness::Nonce { nonce: NONCE, now: NOW };

#[test]
fn rejects_a_session_document_with_any_other_value() {
    let verified = verify_with::<SessionPurpose>(|_| {}, FRESH, CLAIMS, CONFIGURATION).unwrap();
    assert_eq!(verified.facts().timestamp, NOW);
    assert_eq!(verified.facts().build, 0);
    assert!(verified.facts().development);
    let rejected =
        |edit: fn(&mut Fields)| verify_with::<SessionPurpose>(edit, FRESH, CLAIMS, CONFIGURATION).map(|_| ());
    assert_eq!(rejected(|fields| fields.nonce = Some(vec![1; 32])), Err(Error::NonceMismatch));
    assert_eq!(rejected(|fields| fields.nonce = Some(NONCE.as_bytes()[..31].to_vec())), Err(Error::NonceMismatch));
    assert_eq!(rejected(|fields| fields.nonce = None), Err(Error::NonceMismatch));
    assert_eq!(rejected(|fields| fields.user_data = None), Err(Error::ClaimsMismatch));
    assert_eq!(rejected(|fields| fields.user_data = Some(CLAIMS.to_vec())), Err(Error::ClaimsMismatch));
    assert_eq!(rejected(|fields| fields.public_key = Some(Vec::new())), Err(Error::ClaimsMismatch));
    assert_eq!(
        rejected(|fields| drop(fields.pcrs.remove(&u64::from(CONFIGURATION_PCR)))),
        Err(Error::ConfigurationMismatch)
    );
    assert_eq!(
        rejected(|fields| drop(fields.pcrs.insert(CONFIGURATION_PCR.into(), vec![0; 48]))),
        Err(Error::ConfigurationMismatch)
    );
    assert_eq!(rejected(|fields| drop(fields.pcrs.insert(0, vec![8; 48]))), Err(Error::PcrMismatch(0)));
}

#[test]
fn rejects_other_claims_and_other_configurations() {
    let claims = |claims| verify_with::<SessionPurpose>(|_| {}, FRESH, claims, CONFIGURATION).map(|_| ());
    assert_eq!(claims(b"other"), Err(Error::ClaimsMismatch));
    assert_eq!(claims(b""), Err(Error::ClaimsMismatch));
    let configuration = |bytes| verify_with::<SessionPurpose>(|_| {}, FRESH, CLAIMS, bytes).map(|_| ());
    assert_eq!(configuration(b"other"), Err(Error::ConfigurationMismatch));
    assert_eq!(configuration(b""), Err(Error::ConfigurationMismatch));
}

#[test]
fn a_document_of_one_purpose_proves_nothing_for_the_other() {
    let vault = |fields: &mut Fields| fields.user_data = Some(VaultPurpose::user_data(CLAIMS).to_vec());
    assert!(verify_with::<VaultPurpose>(vault, FRESH, CLAIMS, CONFIGURATION).is_ok());
    let session = verify_with::<SessionPurpose>(vault, FRESH, CLAIMS, CONFIGURATION);
    assert_eq!(session.map(|_| ()), Err(Error::ClaimsMismatch));
    let other = verify_with::<VaultPurpose>(vault, FRESH, b"other", CONFIGURATION);
    assert_eq!(other.map(|_| ()), Err(Error::ClaimsMismatch));
    let vault = verify_with::<VaultPurpose>(|_| {}, FRESH, CLAIMS, CONFIGURATION);
    assert_eq!(vault.map(|_| ()), Err(Error::ClaimsMismatch));
}

#[test]
fn a_stored_document_has_a_greatest_age_and_any_nonce() {
    let verify = |at: u64, max_age, nonce: Option<Vec<u8>>| {
        let at = UnixMillis::new(at);
        let edit = move |fields: &mut Fields| fields.nonce.clone_from(&nonce);
        verify_with::<SessionPurpose>(edit, Freshness::Stored { at, max_age }, CLAIMS, CONFIGURATION).map(|_| ())
    };
    for nonce in [None, Some(vec![1; 32])] {
        assert_eq!(verify(NOW.get() + 1_000, 1_000, nonce.clone()), Ok(()));
        let expired = Err(Error::Expired { time: NOW, now: NOW.plus(1_001) });
        assert_eq!(verify(NOW.get() + 1_001, 1_000, nonce.clone()), expired);
        assert_eq!(verify(NOW.get() - MAX_SKEW, 0, nonce.clone()), Ok(()));
        let early = NOW.get() - MAX_SKEW - 1;
        let rejected = Err(Error::NotYetValid { time: NOW, now: UnixMillis::new(early) });
        assert_eq!(verify(early, u64::MAX, nonce), rejected);
    }
}

#[test]
fn rejects_a_fresh_document_more_than_five_minutes_from_the_clock() {
    let at = |now| {
        let freshness = Freshness::Nonce { nonce: NONCE, now };
        verify_with::<SessionPurpose>(|_| {}, freshness, CLAIMS, CONFIGURATION).map(|_| ())
    };
    assert_eq!(MAX_SKEW, 300_000);
    assert_eq!(at(NOW.plus(MAX_SKEW)), Ok(()));
    for now in [NOW.plus(MAX_SKEW + 1), UnixMillis::new(u64::MAX)] {
        assert_eq!(at(now), Err(Error::Expired { time: NOW, now }));
    }
    let beginning = UnixMillis::new(0);
    assert_eq!(at(beginning), Err(Error::NotYetValid { time: NOW, now: beginning }));
}
