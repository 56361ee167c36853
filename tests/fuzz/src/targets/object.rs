//! Stored objects: associated data, record and sealed content.
//!
//! - Accepted associated data, and an accepted function record, are encoded to the same bytes.
//! - An object that the fuzzer makes up does not decrypt, because nobody sealed it.
//! - A function that is sealed with accepted associated data is accepted, has the same record, and decrypts to its
//!   content.
//! - It does not decrypt with another key share, or with one bit flipped.
//! - It is not sealed with a record that names another image.

use crate::damage::flip_bit;
use crate::identities::owner;
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord};
use enclave_core::objects::{ObjectAd, ObjectContent, Record, StoredObject, seal_object};
use enclave_core::{Checksum, DataKey, Error, KeyShare, MessageKind, Pcr, UnixMillis};
use enclave_core_aws_lc::AwsLc;

/// The input is a stored object, a function record, or associated data.
pub fn check(data: &[u8]) {
    let data_key = DataKey::new(&[7; 32]);
    let [share, other_share] = [9, 8].map(|byte| KeyShare::new(&[byte; 32]));
    if let Ok(object) = StoredObject::parse(data) {
        assert_eq!(object.ad.encode(), object.ad_bytes);
        assert!(object.open::<AwsLc>(&data_key, &share).is_err(), "a made-up object decrypts");
    }
    if let Ok(function) = FunctionRecord::parse(data) {
        assert_eq!(function.encode(), data);
    }
    let Ok(ad) = ObjectAd::parse(data) else { return };
    assert_eq!(ad.encode(), data);
    let content = data;
    let checksum = Checksum::of(content);
    let ad = ObjectAd { content: ObjectContent::Function(checksum), owner: owner().owner(), ..ad };
    let function = FunctionRecord {
        owner: ad.owner,
        id: ad.id,
        version: ad.version,
        checksum,
        issued: UnixMillis::new(ad.version),
        arn: ad.arn.clone(),
        image: ad.image,
    };
    let seal = |function: &FunctionRecord| {
        let record = owner().sign1(FUNCTION_RECORD, &[], &function.encode());
        seal_object::<AwsLc>(&ad, b"wrapped", &record, &data_key, &share, content)
    };
    let stored = seal(&function).expect("sealing succeeds");
    let object = StoredObject::parse(&stored).expect("a sealed object is accepted");
    assert_eq!((&object.ad, &object.record), (&ad, &Record::Function(function.clone())));
    assert_eq!(object.open::<AwsLc>(&data_key, &share).expect("a sealed object decrypts").as_slice(), content);
    assert_eq!(object.open::<AwsLc>(&data_key, &other_share).err(), Some(Error::CannotOpen));
    let mut image = *ad.image.as_bytes();
    image[0] ^= 1;
    let sealed = seal(&FunctionRecord { image: Pcr::new(image), ..function });
    assert_eq!(sealed.err(), Some(Error::Mismatch(MessageKind::Object)));
    let damaged = flip_bit(&stored, data);
    assert!(StoredObject::parse(&damaged).and_then(|object| object.open::<AwsLc>(&data_key, &share)).is_err());
}
