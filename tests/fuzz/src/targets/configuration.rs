//! The configuration, ARNs, and the list of deployers.
//!
//! - An accepted configuration is encoded to the same bytes.
//! - An accepted ARN keeps its text, its KMS host begins with `kms.`, and its account has 12 characters.
//! - The keys that an accepted list of deployers allows are encoded to the same list.

use crate::kms;
use enclave_core::crypto::sha256;
use enclave_core::kms::Arn;
use enclave_core::{Configuration, Deployers, Limits, OwnerKey};

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
        let allowed = |key: &OwnerKey| list.as_ref().is_some_and(|list| list.allowed(key));
        let keys = (0..data.len()).filter_map(|at| data[at..].first_chunk().copied().map(OwnerKey::new));
        assert_eq!(Deployers::encode(keys.filter(allowed).collect()), data);
    }
}
