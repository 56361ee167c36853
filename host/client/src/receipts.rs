//! Receipts: checked when they arrive, kept, and checked again offline by whoever is given one.

use crate::Crypto;
use crate::error::Error;
use crate::home::trust::{Trust, TrustEntry};
use crate::session;
use enclave_core::Error as CoreError;
use enclave_core::claims::SessionClaims;
use enclave_core::document::Document;
use enclave_core::receipt::{Receipt, ReceiptBundle};
use enclave_core::verify::{self, Expected, Freshness, Judged, Pins, Root};

/// The largest receipt with its evidence, in bytes.
pub const MAX_RECEIPT: u64 = 128 << 10;

/// A receipt that holds.
#[derive(Debug)]
pub struct Checked {
    /// What the enclave vouches for.
    pub receipt: Receipt,
    /// What its document proved.
    pub judged: Judged,
    /// Whether the output, and which inputs, can be compared.
    pub disclosed: Vec<bool>,
}

/// Checks a receipt offline: its document at its own time under a root and pins, the claims, the signature by the
/// boot's key, the time; then `data`, as far as given, against the commitments: the output first, then each input.
pub fn check(bytes: &[u8], root: &Root, pins: &Pins, data: &[Option<&[u8]>]) -> Result<Checked, Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let at = Document::parse(&bundle.document)?.timestamp;
    let claims = SessionClaims::parse(&bundle.claims, session::regime(root))?;
    let freshness = Freshness::Stored { at, max_age: 0 };
    let expected = Expected::new(root, pins, freshness, &bundle.claims, &claims.configuration);
    let verified = verify::verify::<Crypto, verify::Session>(&bundle.document, &expected)?;
    let judged = verified.document().clone();
    let receipt = bundle.check(&claims, judged.timestamp)?;
    bundle.check_data(&receipt, data)?;
    Ok(Checked { receipt, judged, disclosed: bundle.salts.iter().map(Option::is_some).collect() })
}

/// As [`check`], under whichever trust entry its document fits. If it fits none, the error of the one that came
/// nearest: a root that is not the document's says least.
pub fn check_trusted(bytes: &[u8], trust: &Trust, data: &[Option<&[u8]>]) -> Result<Checked, Error> {
    ReceiptBundle::parse(bytes)?;
    let attempt = |entry: &TrustEntry| check(bytes, &entry.root()?, &entry.pins()?, data);
    let mut nearest = Error::Judged(CoreError::NoPins);
    for entry in trust.all() {
        match attempt(entry) {
            Ok(checked) => return Ok(checked),
            Err(Error::Judged(CoreError::NoPins)) => {}
            Err(error) if nearest == Error::Judged(CoreError::NoPins) => nearest = error,
            Err(Error::Judged(CoreError::UntrustedRoot)) => {}
            Err(error) => nearest = error,
        }
    }
    Err(nearest)
}

/// What a receipt says, and whether the root that it names is a development root; without any judgement.
pub fn read(bytes: &[u8]) -> Result<(Receipt, bool), Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let development = verify::peek_root(&bundle.document)? != Root::aws().der();
    Ok((Receipt::parse(enclave_core::identity::payload1(&bundle.receipt)?)?, development))
}
