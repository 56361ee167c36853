//! A document and what is expected of it: the only way from the one to what it proves.
//!
//! All of this is checked, in this order, and nothing turns a check off:
//! 1. size and shape, ES384, the digest's name ([`Document::parse`]);
//! 2. the chain to the pinned root, at the document's time, and the signature by its leaf;
//! 3. the document's time against a clock: 5 minutes either way, or the age that was stated;
//! 4. debug mode, PCR0–2 of zeros, before any comparison; revoked builds; the pins;
//! 5. the nonce, if the document was asked for with one;
//! 6. the claims that it has to speak of, and that it carries no public key;
//! 7. PCR16 against the configuration in the claims.
//!
//! What only the claims' content can tell (the TLS exporter, the keys, the state of the KMS key) is compared by
//! whoever reads them, afterwards.

mod chain;
mod pins;

pub use chain::Root;
pub use pins::{Build, Pins};

use crate::config::pcr16;
use crate::crypto::Crypto;
use crate::document::{Document, Pcr};
use crate::{Error, Part};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::marker::PhantomData;

/// How far a document's time may be from the clock, in milliseconds.
pub const MAX_SKEW: u64 = 5 * 60 * 1_000;

/// The PCR that the configuration is measured into.
pub const CONFIGURATION_PCR: u8 = 16;

/// What a document was made for, as a type: one for a session says nothing about a vault.
pub trait Purpose {
    /// The document's `user_data`, when it speaks of these claims.
    fn user_data(claims: &[u8]) -> [u8; 48];
}

/// A session with the enclave that made the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session;

impl Purpose for Session {
    fn user_data(claims: &[u8]) -> [u8; 48] {
        crate::claims::session_user_data(claims)
    }
}

/// A vault key that the enclave made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vault;

impl Purpose for Vault {
    fn user_data(claims: &[u8]) -> [u8; 48] {
        crate::vault::user_data(claims)
    }
}

/// Why a document is taken to be of now. There is no third reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was asked for with this nonce, just before `now` (milliseconds since 1970).
    Nonce {
        /// The nonce.
        nonce: [u8; 32],
        /// The clock.
        now: u64,
    },
    /// It was stored, and may be as old as `max_age` milliseconds at the time `at` (milliseconds since 1970). Its
    /// nonce was somebody else's.
    Stored {
        /// The clock.
        at: u64,
        /// The greatest age.
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
    /// That it comes from an enclave under `root` of one of the builds pinned, is fresh, speaks of these claims (as
    /// received), and that the enclave measured the configuration that the claims contain.
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

/// What a document says, once judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// When the NSM signed it, in milliseconds since 1970.
    pub timestamp: u64,
    /// The enclave's id.
    pub module_id: String,
    /// The locked PCRs.
    pub pcrs: BTreeMap<u8, Pcr>,
    /// Which of the pinned builds it is, by its place.
    pub build: usize,
    /// Whether all of it rests on a development root.
    pub development: bool,
}

/// A document that proved all of [`Expected`], for its purpose. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<P> {
    judged: Judged,
    purpose: PhantomData<P>,
}

impl<P> Verified<P> {
    /// What it says.
    pub fn document(&self) -> &Judged {
        &self.judged
    }
}

/// Verifies a document.
pub fn verify<C: Crypto, P: Purpose>(document: &[u8], expected: &Expected<'_, P>) -> Result<Verified<P>, Error> {
    let (at, max_age, nonce) = match &expected.freshness {
        Freshness::Nonce { nonce, now } => (*now, MAX_SKEW, Some(nonce)),
        Freshness::Stored { at, max_age } => (*at, *max_age, None),
    };
    let (document, judged) = judge::<C>(document, expected.root, expected.pins, at, max_age)?;
    if let Some(nonce) = nonce {
        check_nonce(&document, nonce)?;
    }
    // A public key belongs to documents for KMS.
    if document.user_data != Some(&P::user_data(expected.claims)) || document.public_key.is_some() {
        return Err(Error::ClaimsMismatch);
    }
    if document.pcrs.get(&CONFIGURATION_PCR) != Some(&pcr16(expected.configuration)) {
        return Err(Error::ConfigurationMismatch);
    }
    Ok(Verified { judged, purpose: PhantomData })
}

/// Judges a document by itself, as `capelet verify FILE` does and nothing else may: it was made by an enclave of the
/// pinned builds at its time, which is at most `max_age` milliseconds before `at`. It speaks of no connection and no
/// claims. Of whatever nonce it has, or of the one that is named.
pub fn judge_bare<C: Crypto>(
    document: &[u8],
    root: &Root,
    pins: &Pins,
    nonce: Option<&[u8]>,
    at: u64,
    max_age: u64,
) -> Result<Judged, Error> {
    let (document, judged) = judge::<C>(document, root, pins, at, max_age)?;
    if let Some(nonce) = nonce {
        check_nonce(&document, nonce)?;
    }
    Ok(judged)
}

/// The root that a document itself names, DER. For trust on first use of a development root and nothing else: it
/// shows who signed no more than any other claim of a stranger's.
pub fn peek_root(document: &[u8]) -> Result<&[u8], Error> {
    Document::parse(document)?.cabundle.first().copied().ok_or(Error::UntrustedRoot)
}

/// Steps 1 to 4.
fn judge<'a, C: Crypto>(
    bytes: &'a [u8],
    root: &Root,
    pins: &Pins,
    at: u64,
    max_age: u64,
) -> Result<(Document<'a>, Judged), Error> {
    let document = Document::parse(bytes)?;
    chain::check::<C>(&document, root)?;
    // The unprotected header is not signed: one content, one form.
    if document.null_header {
        return Err(Error::Malformed(Part::Document));
    }
    let time = document.timestamp;
    if at.saturating_sub(time) > max_age {
        return Err(Error::Expired { time, now: at });
    }
    if time.saturating_sub(at) > MAX_SKEW {
        return Err(Error::NotYetValid { time, now: at });
    }
    let build = pins.judge(&document.pcrs)?;
    let judged = Judged {
        timestamp: time,
        module_id: document.module_id.to_owned(),
        pcrs: document.pcrs.clone(),
        build,
        development: root.is_development(),
    };
    Ok((document, judged))
}

fn check_nonce(document: &Document<'_>, nonce: &[u8]) -> Result<(), Error> {
    if document.nonce == Some(nonce) { Ok(()) } else { Err(Error::NonceMismatch) }
}
