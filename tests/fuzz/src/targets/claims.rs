//! The claims of sessions and of vault keys.
//!
//! - Accepted claims are encoded to the same bytes.
//! - The images in a vault key's claims ascend, at least one and at most 16.
//! - What production accepts, development accepts as the same claims: production only adds requirements.

use enclave_core::attestation::{SessionClaims, TrustMode, VaultClaims};

/// The most images in the claims of a vault key.
const MAX_IMAGES: usize = 16;

/// The input is claims.
pub fn check(data: &[u8]) {
    let [production, development] =
        [TrustMode::Production, TrustMode::Development].map(|mode| SessionClaims::parse(data, mode).ok());
    assert!(production.is_none() || production == development, "only production accepts these session claims");
    if let Some(claims) = development {
        assert_eq!(claims.encode(), data);
    }
    let [production, development] =
        [TrustMode::Production, TrustMode::Development].map(|mode| VaultClaims::parse(data, mode).ok());
    assert!(production.is_none() || production == development, "only production accepts these vault claims");
    if let Some(claims) = development {
        assert_eq!(claims.encode(), data);
        assert!((1..=MAX_IMAGES).contains(&claims.images.len()) && claims.images.is_sorted_by(|a, b| a < b));
    }
}
