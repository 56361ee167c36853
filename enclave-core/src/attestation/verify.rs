//! Verifying a document: the only way from a document to what it proves.
//!
//! These checks are made in this order, and no option turns one off:
//! 1. size and shape, ES384, the digest's name ([`Document::parse`]);
//! 2. the chain to the pinned root at the document's time, and the leaf's signature;
//! 3. the document's time against a clock: 5 minutes either way, or a stated age;
//! 4. debug mode (PCR0, PCR1 or PCR2 all zeros), then revoked builds, then the pins;
//! 5. the nonce, if the document was requested with one;
//! 6. `user_data` is the digest of the claims, and there is no public key;
//! 7. PCR16 against the configuration in the claims.
//!
//! The caller compares what only the claims' content tells: the TLS exporter, the keys, the state of the KMS key.

use crate::Error;
use crate::attestation::chain::{self, Root};
use crate::attestation::document::Document;
use crate::attestation::document_error::DocumentError;
use crate::attestation::pins::Pins;
use crate::attestation::session_claims::session_user_data;
use crate::attestation::vault_claims::vault_user_data;
use crate::configuration::{CONFIGURATION_PCR, pcr16};
use crate::crypto::VerificationCrypto;
use crate::time::UnixMillis;
use crate::types::{Nonce, Pcr};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::marker::PhantomData;

/// How far a document's time may be from the clock, in milliseconds.
pub const MAX_SKEW: u64 = 5 * 60 * 1_000;

/// What a document was made for, as a type: a document for a session proves nothing about a vault key.
pub trait Purpose {
    /// The `user_data` of a document that vouches for these claims.
    fn user_data(claims: &[u8]) -> [u8; 48];
}

/// A session with the enclave that made the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPurpose;

impl Purpose for SessionPurpose {
    fn user_data(claims: &[u8]) -> [u8; 48] {
        session_user_data(claims)
    }
}

/// A vault key that the enclave made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultPurpose;

impl Purpose for VaultPurpose {
    fn user_data(claims: &[u8]) -> [u8; 48] {
        vault_user_data(claims)
    }
}

/// Why a document counts as current. There is no third reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The verifier requested it with this nonce just before `now`.
    Nonce {
        /// The nonce.
        nonce: Nonce,
        /// The clock.
        now: UnixMillis,
    },
    /// It was stored, and at the time `at` may be `max_age` milliseconds old. Its nonce was someone else's.
    Stored {
        /// The clock.
        at: UnixMillis,
        /// The greatest age, in milliseconds.
        max_age: u64,
    },
}

/// What a document has to prove.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a, P> {
    root: &'a Root,
    pins: &'a Pins,
    freshness: Freshness,
    claims: &'a [u8],
    configuration: &'a [u8],
    purpose: PhantomData<P>,
}

impl<'a, P: Purpose> Expected<'a, P> {
    /// The document comes from an enclave under `root` with one of the pinned builds, is fresh, vouches for these
    /// claims (as received), and the enclave measured the configuration that the claims contain.
    pub fn new(
        root: &'a Root,
        pins: &'a Pins,
        freshness: Freshness,
        claims: &'a [u8],
        configuration: &'a [u8],
    ) -> Self {
        Self { root, pins, freshness, claims, configuration, purpose: PhantomData }
    }
}

/// What a verified document says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttestationFacts {
    /// When the NSM signed it.
    pub timestamp: UnixMillis,
    /// The enclave's id.
    pub module_id: String,
    /// The locked PCRs, by index.
    pub pcrs: BTreeMap<u8, Pcr>,
    /// The position of its build among the pinned ones.
    pub build: usize,
    /// Whether a development root signed it.
    pub development: bool,
}

/// Proof that a document passed every check of [`Expected`] for the purpose `P`. Only [`verify`] makes one.
///
/// It does not prove that the enclave is still running, nor anything about the claims' content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<P> {
    facts: AttestationFacts,
    purpose: PhantomData<P>,
}

impl<P> Verified<P> {
    /// What the document says.
    pub fn facts(&self) -> &AttestationFacts {
        &self.facts
    }
}

/// Verifies a document.
///
/// # Errors
/// In the order of the checks: [`Error::TooLarge`] of [`MessageKind::Document`](crate::MessageKind::Document);
/// [`Error::Document`]; [`Error::Malformed`] of [`MessageKind::Certificate`](crate::MessageKind::Certificate);
/// [`Error::UntrustedRoot`]; [`Error::CertificateExpired`]; [`Error::CertificateNotYetValid`]; [`Error::BadSignature`];
/// [`Error::Expired`]; [`Error::NotYetValid`]; [`Error::DebugMode`]; [`Error::Revoked`]; [`Error::PcrMismatch`];
/// [`Error::NonceMismatch`]; [`Error::ClaimsMismatch`]; [`Error::ConfigurationMismatch`].
pub fn verify<C: VerificationCrypto, P: Purpose>(
    document: &[u8],
    expected: &Expected<'_, P>,
) -> Result<Verified<P>, Error> {
    let (at, max_age, nonce) = match &expected.freshness {
        Freshness::Nonce { nonce, now } => (*now, MAX_SKEW, Some(nonce)),
        Freshness::Stored { at, max_age } => (*at, *max_age, None),
    };
    let (document, facts) = verify_origin::<C>(document, expected.root, expected.pins, at, max_age)?;
    if let Some(nonce) = nonce {
        check_nonce(&document, nonce.as_bytes())?;
    }
    // Only documents for KMS have a public key.
    if document.user_data != Some(&P::user_data(expected.claims)) || document.public_key.is_some() {
        return Err(Error::ClaimsMismatch);
    }
    if document.pcrs.get(&CONFIGURATION_PCR) != Some(&pcr16(expected.configuration)) {
        return Err(Error::ConfigurationMismatch);
    }
    Ok(Verified { facts, purpose: PhantomData })
}

/// Verifies a document by itself, for `capelet verify FILE` only: an enclave with one of the pinned builds made it, at
/// most `max_age` milliseconds before `at`. It is bound to no connection and to no claims.
///
/// If `nonce` is `Some`, the document's nonce must equal it; if `None`, any nonce is accepted.
///
/// ```
/// use enclave_core::attestation::{Build, Pins, Root, verify_unbound};
/// use enclave_core::{Error, Pcr, UnixMillis};
/// use enclave_core_aws_lc::AwsLc;
/// use std::collections::BTreeMap;
///
/// // A document of an enclave on AWS, and the PCR0 that its publisher states.
/// let document = include_bytes!("../../../tests/vectors/attestation/2025-04-29-pcr16.cose");
/// let pcr0 = "2984ab215649c40ffe8f8b80cfadee47f1b06760f7d9257981f64b2758c347fafa6c733591b25e75ae7e9d1cb86ad5df";
/// let pcr0 = Pcr::new(core::array::from_fn(|i| u8::from_str_radix(&pcr0[2 * i..2 * i + 2], 16).unwrap()));
///
/// let pins = Pins::new(vec![Build::new(pcr0, BTreeMap::new())?], Vec::new())?;
/// let (at, one_day) = (UnixMillis::new(1_745_926_000_000), 86_400_000);
/// let facts = verify_unbound::<AwsLc>(document, &Root::aws(), &pins, None, at, one_day)?;
/// assert!(facts.module_id.starts_with("i-"));
///
/// // Two days later it is too old.
/// let late = verify_unbound::<AwsLc>(document, &Root::aws(), &pins, None, at.plus(2 * one_day), one_day);
/// assert!(matches!(late, Err(Error::Expired { .. })));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Those of [`verify`], up to [`Error::NonceMismatch`].
pub fn verify_unbound<C: VerificationCrypto>(
    document: &[u8],
    root: &Root,
    pins: &Pins,
    nonce: Option<&[u8]>,
    at: UnixMillis,
    max_age: u64,
) -> Result<AttestationFacts, Error> {
    let (document, facts) = verify_origin::<C>(document, root, pins, at, max_age)?;
    if let Some(nonce) = nonce {
        check_nonce(&document, nonce)?;
    }
    Ok(facts)
}

/// The root that a document itself names, in DER, *not verified*. It serves trust on first use of a development root
/// and nothing else: anyone can name any root.
///
/// # Errors
/// As [`Document::parse`]; [`Error::UntrustedRoot`] if it names none.
pub fn named_root(document: &[u8]) -> Result<&[u8], Error> {
    Document::parse(document)?.cabundle.first().copied().ok_or(Error::UntrustedRoot)
}

/// Checks 1 to 4.
fn verify_origin<'a, C: VerificationCrypto>(
    bytes: &'a [u8],
    root: &Root,
    pins: &Pins,
    at: UnixMillis,
    max_age: u64,
) -> Result<(Document<'a>, AttestationFacts), Error> {
    let document = Document::parse(bytes)?;
    chain::check::<C>(&document, root)?;
    // The unprotected header is not signed. Only the empty map is accepted, so that a document has one form.
    if document.null_header {
        return Err(Error::Document(DocumentError::UnprotectedHeader));
    }
    let time = document.timestamp;
    if at.since(time) > max_age {
        return Err(Error::Expired { time, now: at });
    }
    if time.since(at) > MAX_SKEW {
        return Err(Error::NotYetValid { time, now: at });
    }
    let build = pins.find(&document.pcrs)?;
    let facts = AttestationFacts {
        timestamp: time,
        module_id: document.module_id.to_owned(),
        pcrs: document.pcrs.clone(),
        build,
        development: root.is_development(),
    };
    Ok((document, facts))
}

fn check_nonce(document: &Document<'_>, nonce: &[u8]) -> Result<(), Error> {
    if document.nonce == Some(nonce) { Ok(()) } else { Err(Error::NonceMismatch) }
}
