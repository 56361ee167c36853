//! What lies somewhere: bundles, objects, encrypted files.

use super::damaged;
use crate::world;
use enclave_core::bundle::{self as bundles, Bundle, Form};
use enclave_core::ciphertext::{self as ciphertexts, Ciphertext, CiphertextHeader};
use enclave_core::error::Error;
use enclave_core::object::{self as objects, FunctionRecord, Head, Kind, ObjectAd, Record};
use enclave_core::{record, stream, vault};
use enclave_core_aws_lc::AwsLc;

pub fn bundle(data: &[u8]) {
    let Ok(parsed) = Bundle::parse(data) else { return };
    assert!(Form::parse(data).is_ok());
    let again = Bundle::build(&parsed.manifest, parsed.files.clone()).expect("a bundle");
    assert!(Bundle::parse(&again).is_ok_and(|again| again == parsed));
    assert_eq!(again, data);
}

/// Heads and headers as they are; and a file that is encrypted under a header of the fuzzer's.
pub fn ciphertext(data: &[u8]) {
    if let Ok(file) = Ciphertext::parse(data) {
        assert_eq!(file.header.encode().as_deref(), Ok(file.header_bytes));
        assert!(file.open::<AwsLc>(&file.header.owner, world::vault_key()).is_err(), "nobody encrypted it");
    }
    let Ok(header) = CiphertextHeader::parse(data) else { return };
    assert_eq!(header.encode().as_deref(), Ok(data));
    let public = world::vault_key().public();
    let header = CiphertextHeader { kid: vault::kid(&public), ..header };
    let begun = ciphertexts::begin(&header, &public, &[4; 64]).expect("a header that was read");
    let sealed = stream::seal_bytes::<AwsLc>(begun.secret, &begun.aad, data).expect("sealed");
    let file = [begun.prefix, sealed].concat();
    let opened = Ciphertext::parse(&file).and_then(|file| file.open::<AwsLc>(&header.owner, world::vault_key()));
    assert_eq!(opened.expect("opens").as_slice(), data);
    let damage = damaged(&file, data);
    let opened = Ciphertext::parse(&damage).and_then(|file| file.open::<AwsLc>(&header.owner, world::vault_key()));
    assert!(opened.is_err());
}

/// Objects as they are; and one whose associated data is the fuzzer's and whose record is signed.
pub fn object(data: &[u8]) {
    if let Ok(head) = Head::parse(data) {
        assert_eq!(head.ad.encode(), head.ad_bytes);
        assert!(head.open::<AwsLc>(&[7; 32], &[9; 32]).is_err(), "nobody sealed it");
    }
    if let Ok(function) = FunctionRecord::parse(data) {
        assert_eq!(function.encode(), data);
    }
    let Ok(ad) = ObjectAd::parse(data) else { return };
    assert_eq!(ad.encode(), data);
    let content = data;
    let owner = world::owner();
    let ad = ObjectAd { kind: Kind::Function, owner: owner.owner(), content: bundles::checksum(content), ..ad };
    let function = FunctionRecord {
        owner: ad.owner,
        id: ad.id,
        version: ad.version,
        checksum: ad.content,
        issued: ad.version,
        arn: ad.arn.clone(),
    };
    let record = owner.sign1(record::FUNCTION, &[], &function.encode());
    let stored = objects::seal::<AwsLc>(&ad, b"wrapped", &record, &[7; 32], &[9; 32], content).expect("sealed");
    let head = Head::parse(&stored).expect("a head");
    assert_eq!((&head.ad, &head.record), (&ad, &Record::Function(function)));
    assert_eq!(head.open::<AwsLc>(&[7; 32], &[9; 32]).expect("opens").as_slice(), content);
    assert_eq!(head.open::<AwsLc>(&[7; 32], &[8; 32]).err(), Some(Error::CannotOpen));
    let damage = damaged(&stored, data);
    assert!(Head::parse(&damage).and_then(|head| head.open::<AwsLc>(&[7; 32], &[9; 32])).is_err());
}
