//! The claims of sessions and of vault keys.
//!
//! - Accepted claims are encoded to the same bytes.
//! - What production accepts, development accepts as the same claims: production only adds requirements.

use enclave_core::attestation::{SessionClaims, TrustMode, VaultClaims};

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
    }
}
