//! The configuration, ARNs, and the list of deployers.
//!
//! - An accepted configuration is encoded to the same bytes.
//! - An accepted ARN keeps its text, its KMS host begins with `kms.`, and its account has 12 characters.
//! - The salt of an accepted list of deployers, and the keys that the list allows, are encoded to the same list. The
//!   list states how many they are.

use crate::kms;
use enclave_core::crypto::sha256;
use enclave_core::encoding::Reader;
use enclave_core::kms::Arn;
use enclave_core::{Configuration, Deployers, Limits, MessageKind, OwnerKey};

/// The input is a configuration, an ARN, or a list of deployers.
pub fn check(data: &[u8]) {
    if let Ok(configuration) = Configuration::parse(data) {
        assert_eq!(configuration.encode(), data);
    }
    if let Some(arn) = std::str::from_utf8(data).ok().and_then(|text| Arn::parse(text).ok()) {
        assert_eq!(arn.text().as_bytes(), data);
        assert!(arn.kms_host().starts_with("kms.") && arn.account().len() == 12);
    }
    // A configuration that contains the digest of the list.
    let configuration = Configuration { arn: kms::arn(), limits: Limits::MAXIMA, deployers: Some(sha256(&[data])) };
    if let Ok(list) = Deployers::parse(&configuration, Some(data)) {
        let list = list.expect("the configuration contains the digest of a list");
        let mut reader = Reader::new(data, MessageKind::Cbor).expect("an accepted list is deterministic CBOR");
        let count = reader.any_array().expect("an accepted list is an array");
        assert_eq!(1 + list.count() as u64, count);
        let salt = reader.fixed().expect("an accepted list begins with a salt");
        let keys = (0..data.len()).filter_map(|at| data[at..].first_chunk().copied().map(OwnerKey::new));
        assert_eq!(Deployers::encode(&salt, keys.filter(|key| list.allowed(key)).collect()), data);
    }
}
