//! Attestation documents: reading them, what they vouch for, and the one way from a document to what it proves.

#[cfg(feature = "outside")]
mod certificate;
#[cfg(feature = "outside")]
mod chain;
#[cfg(feature = "outside")]
mod document;
#[cfg(feature = "outside")]
mod document_error;
mod document_time;
#[cfg(feature = "outside")]
mod pins;
mod session_claims;
mod vault_claims;
#[cfg(feature = "outside")]
mod verify;

#[cfg(feature = "outside")]
pub use chain::Root;
#[cfg(feature = "outside")]
pub use document::{Document, MAX_CABUNDLE, MAX_DOCUMENT, MAX_FIELD, PCRS};
#[cfg(feature = "outside")]
pub use document_error::{DocumentError, KeyName};
pub use document_time::document_time;
#[cfg(feature = "outside")]
pub use pins::{Build, Pins};
#[cfg(feature = "outside")]
pub use session_claims::MAX_CLAIMS;
pub use session_claims::{EXPORTER_LABEL, SUITE, SessionClaims, TrustMode, exporter_claim, session_user_data};
#[cfg(feature = "outside")]
pub use vault_claims::MAX_IMAGES;
pub use vault_claims::{MAX_VALIDITY, VaultClaims, vault_user_data};
#[cfg(feature = "outside")]
pub use verify::{
    AttestationFacts, Expected, Freshness, MAX_SKEW, Purpose, SessionPurpose, VaultPurpose, Verified, named_root,
    verify, verify_unbound,
};
