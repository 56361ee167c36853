//! What proves something: documents, claims, statements, receipts.

use super::damaged;
use crate::world;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use enclave_core::cbor::Writer;
use enclave_core::claims::{Regime, SessionClaims};
use enclave_core::digest::sha384;
use enclave_core::document::{Document, MAX_DOCUMENT};
use enclave_core::identity::SigningKey;
use enclave_core::receipt::{Receipt, ReceiptBundle};
use enclave_core::vault::{Statement, VAULT_OWNER, VaultClaims, VaultRecord};
use enclave_core::verify::{Build, Pins, Root, judge_bare};
use enclave_core_aws_lc::AwsLc;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use zeroize::Zeroizing;

const REGIMES: [Regime; 2] = [Regime::Production, Regime::Development];

/// A root, a leaf below it, and the leaf's key.
struct Chain {
    root: Root,
    leaf: Vec<u8>,
    key: EcdsaKeyPair,
}

static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let [above, below] = [(); 2].map(|()| KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key"));
    let mut params = [(); 2].map(|()| CertificateParams::default());
    params[0].is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params[0].key_usages.push(KeyUsagePurpose::KeyCertSign);
    params[1].key_usages.push(KeyUsagePurpose::DigitalSignature);
    let [root, leaf] = params;
    let der = root.self_signed(&above).expect("a root").der().to_vec();
    let leaf = leaf.signed_by(&below, &Issuer::new(root, above)).expect("a leaf").der().to_vec();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &below.serialize_der()).expect("a key");
    Chain { root: Root::development(der).expect("a root"), leaf, key }
});

/// The payload of these fields with this chain, as AWS writes it.
fn payload(document: &Document<'_>, certificate: &[u8], cabundle: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(9).text("module_id").text(document.module_id).text("digest").text("SHA384");
    writer.text("timestamp").uint(document.timestamp).text("pcrs").map(document.pcrs.len() as u64);
    for (index, value) in &document.pcrs {
        writer.uint(u64::from(*index)).bytes(value);
    }
    writer.text("certificate").bytes(certificate).text("cabundle").array(cabundle.len() as u64);
    for certificate in cabundle {
        writer.bytes(certificate);
    }
    let optional = |writer: &mut Writer, bytes: &[u8]| {
        writer.bytes(bytes);
    };
    writer.text("public_key").nullable(document.public_key, optional);
    writer.text("user_data").nullable(document.user_data, optional);
    writer.text("nonce").nullable(document.nonce, optional);
    writer.finish()
}

fn sign1(protected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(4).bytes(protected).map(0).bytes(payload).bytes(signature);
    writer.finish()
}

/// Written in AWS' own form a document says the same; signed by a chain of our own it is judged by what it says.
pub fn document(data: &[u8]) {
    let Ok(parsed) = Document::parse(data) else { return };
    let same = sign1(parsed.protected, &payload(&parsed, parsed.certificate, &parsed.cabundle), parsed.signature);
    if same.len() <= MAX_DOCUMENT {
        let again = Document::parse(&same).expect("a document");
        assert_eq!(again, Document { payload: again.payload, null_header: false, ..parsed.clone() });
        // An indefinite map has an end, one byte.
        assert!(parsed.payload.len() <= again.payload.len() + 1, "that is all that it says");
    }
    let zero = [0; 48];
    let pcr0 = *parsed.pcrs.get(&0).filter(|value| **value != zero).unwrap_or(&[1; 48]);
    let build = Build::new(pcr0, BTreeMap::new()).expect("a pin");
    let pins = Pins::new(vec![build], Vec::new()).expect("pins");
    let judge = |bytes: &[u8], root: &Root| {
        judge_bare::<AwsLc>(bytes, root, &pins, parsed.nonce, parsed.timestamp, 0).map(|judged| judged.pcrs)
    };
    assert!(judge(data, &CHAIN.root).is_err(), "nobody signs what a fuzzer makes");

    let payload = payload(&parsed, &CHAIN.leaf, &[CHAIN.root.der()]);
    let unsigned = sign1(parsed.protected, &payload, parsed.signature);
    let Ok(to_sign) = Document::parse(&unsigned).map(|document| document.to_be_signed()) else { return };
    let signature = CHAIN.key.sign(&SystemRandom::new(), &to_sign).expect("a signature");
    let signed = sign1(parsed.protected, &payload, signature.as_ref());
    let real = (0..=2).all(|index| parsed.pcrs.get(&index).is_some_and(|value| *value != zero));
    // The certificates hold from 1975 to 4096.
    let years = parsed.timestamp / (1_000 * 86_400 * 365);
    match judge(&signed, &CHAIN.root) {
        Ok(pcrs) => assert!(real && (4..2130).contains(&years) && pcrs == parsed.pcrs),
        Err(error) => assert!(!real || !(7..2120).contains(&years), "{error:?}"),
    }
    assert!(judge(&unsigned, &CHAIN.root).is_err() && judge(&signed, &Root::aws()).is_err());
    assert!(judge(&damaged(&signed, data), &CHAIN.root).is_err());
}

pub fn claims(data: &[u8]) {
    let [production, development] = REGIMES.map(|regime| SessionClaims::parse(data, regime).ok());
    assert!(production.is_none() || production == development, "production asks for more");
    if let Some(claims) = development {
        assert_eq!(claims.encode(), data);
    }
    let [production, development] = REGIMES.map(|regime| VaultClaims::parse(data, regime).ok());
    assert!(production.is_none() || production == development, "production asks for more");
    if let Some(claims) = development {
        assert_eq!(claims.encode(), data);
    }
}

/// Statements as they are; and one whose claims are the fuzzer's and whose record is signed.
pub fn statement(data: &[u8]) {
    if let Ok(record) = VaultRecord::parse(data) {
        assert_eq!(record.encode(), data);
    }
    for regime in REGIMES {
        let found = Statement::parse(data, regime);
        if let Ok(statement) = &found {
            assert_eq!(statement.claims.encode(), statement.claims_bytes);
            assert!(Statement::parse(&damaged(data, data), regime).is_err());
        }
        let claims = found.map(|statement| statement.claims).or_else(|_| VaultClaims::parse(data, regime));
        let Ok(mut claims) = claims else { continue };
        claims.owner = world::owner().owner();
        let bytes = claims.encode();
        let record = VaultRecord {
            owner: claims.owner,
            epoch: claims.epoch,
            kid: claims.kid,
            document: sha384(&[data]),
            claims: sha384(&[&bytes]),
            arn: claims.kms.as_ref().map_or_else(world::arn, |kms| kms.arn.clone()),
        };
        let signed = world::owner().sign1(VAULT_OWNER, &[], &record.encode());
        let bytes = Statement::encode(data, &bytes, &signed);
        let statement = match Statement::parse(&bytes, regime) {
            Ok(statement) => statement,
            // The document is as long as the statement was.
            Err(error) => return assert!(data.len() > MAX_DOCUMENT, "{error:?}"),
        };
        assert_eq!((statement.document, &statement.claims, &statement.record), (data, &claims, &record));
        assert!(Statement::parse(&damaged(&bytes, data), regime).is_err());
    }
}

/// Receipts as they are; and one of the fuzzer's making, signed, beside claims that name the key.
pub fn receipt(data: &[u8]) {
    if let Ok(bundle) = ReceiptBundle::parse(data) {
        assert_eq!(bundle.encode(), data);
        if let Ok(claims) = SessionClaims::parse(&bundle.claims, Regime::Development) {
            let _ = bundle.check(&claims, 1_700_000_000_000);
        }
    }
    let Ok(mut receipt) = Receipt::parse(data) else { return };
    assert_eq!(receipt.encode(), data);
    let key = SigningKey::from_seed(&Zeroizing::new([6; 32]));
    let claims = SessionClaims {
        hello: [0; 48],
        exporter: [0; 32],
        kem_public: world::vault_key().public(),
        receipt_key: key.public(),
        configuration: Vec::new(),
        kms: None,
    };
    receipt.claims = sha384(&[&claims.encode()]);
    let bundle = ReceiptBundle {
        document: vec![0],
        claims: claims.encode(),
        receipt: receipt.sign(&key),
        salts: vec![None; receipt.inputs.len() + 1],
    };
    assert_eq!(ReceiptBundle::parse(&bundle.encode()), Ok(bundle.clone()));
    assert_eq!(bundle.check_signature(&claims).as_ref(), Ok(&receipt));
    let fits = receipt.time[1].saturating_sub(receipt.time[0]) <= 3_600_000;
    assert_eq!(bundle.check(&claims, receipt.time[0]).is_ok(), fits);
    let damage = ReceiptBundle { receipt: damaged(&bundle.receipt, data), ..bundle };
    assert!(damage.check_signature(&claims).is_err());
}
