//! Verifies, discloses and reads receipts, all offline.

use crate::Crypto;
use crate::error::Error;
use crate::home::trust::{Trust, TrustEntry};
use crate::session;
use enclave_core::Error as CoreError;
use enclave_core::claims::SessionClaims;
use enclave_core::document::Document;
use enclave_core::receipt::{Receipt, ReceiptBundle};
use enclave_core::verify::{self, Expected, Freshness, Judged, Pins, Root};

/// The largest receipt bundle, in bytes.
pub const MAX_RECEIPT: u64 = 128 << 10;

/// A receipt that was verified.
#[derive(Debug)]
pub struct Checked {
    /// The receipt's content.
    pub receipt: Receipt,
    /// The facts that its attestation document proved.
    pub facts: Judged,
    /// Which commitments are disclosed, so that data can be compared with them: first the output, then each input.
    pub disclosed: Vec<bool>,
}

/// Verifies a receipt against a root and pins.
///
/// The document is verified for its own time. Claims, signature and time of the receipt must match it. Then `data` is
/// compared with the commitments: first the output, then each input. `None` in `data` is not compared.
pub fn check(bytes: &[u8], root: &Root, pins: &Pins, data: &[Option<&[u8]>]) -> Result<Checked, Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let at = Document::parse(&bundle.document)?.timestamp;
    let claims = SessionClaims::parse(&bundle.claims, session::regime(root))?;
    let freshness = Freshness::Stored { at, max_age: 0 };
    let expected = Expected::new(root, pins, freshness, &bundle.claims, &claims.configuration);
    let verified = verify::verify::<Crypto, verify::Session>(&bundle.document, &expected)?;
    let facts = verified.document().clone();
    let receipt = bundle.check(&claims, facts.timestamp)?;
    bundle.check_data(&receipt, data)?;
    Ok(Checked { receipt, facts, disclosed: bundle.salts.iter().map(Option::is_some).collect() })
}

/// Like [`check`], with the first trust entry that accepts the receipt.
///
/// # Errors
///
/// If no entry accepts it, the most specific of their errors is returned. A wrong root is the least specific one.
pub fn check_trusted(bytes: &[u8], trust: &Trust, data: &[Option<&[u8]>]) -> Result<Checked, Error> {
    ReceiptBundle::parse(bytes)?;
    let attempt = |entry: &TrustEntry| check(bytes, &entry.root()?, &entry.pins()?, data);
    let mut nearest = Error::Local(CoreError::NoPins);
    for entry in trust.all() {
        match attempt(entry) {
            Ok(checked) => return Ok(checked),
            Err(Error::Local(CoreError::NoPins)) => {}
            Err(error) if nearest == Error::Local(CoreError::NoPins) => nearest = error,
            Err(Error::Local(CoreError::UntrustedRoot)) => {}
            Err(error) => nearest = error,
        }
    }
    Err(nearest)
}

/// Makes a copy that discloses only the result, if `result` is set, and the inputs with these numbers, from 1.
///
/// # Errors
///
/// [`Error::Argument`] if the original does not disclose one of them.
pub fn disclose(bytes: &[u8], result: bool, inputs: &[usize]) -> Result<Vec<u8>, Error> {
    let mut bundle = ReceiptBundle::parse(bytes)?;
    let known = |place: usize| bundle.salts.get(place).is_some_and(Option::is_some);
    if inputs.iter().any(|input| *input == 0 || !known(*input)) || (result && !known(0)) {
        return Err(Error::Argument {
            name: "--result and --input",
            want: "a result and inputs that the receipt itself discloses",
        });
    }
    for (place, salt) in bundle.salts.iter_mut().enumerate() {
        let keep = if place == 0 { result } else { inputs.contains(&place) };
        *salt = salt.filter(|_| keep);
    }
    Ok(bundle.encode())
}

/// Reads a receipt without verifying it. Also returns whether the root in it is a development root.
pub fn read(bytes: &[u8]) -> Result<(Receipt, bool), Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let development = verify::peek_root(&bundle.document)? != Root::aws().der();
    Ok((Receipt::parse(enclave_core::identity::payload1(&bundle.receipt)?)?, development))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(salts: Vec<Option<[u8; 32]>>) -> Vec<u8> {
        let key = enclave_core::identity::SigningKey::from_seed(&zeroize::Zeroizing::new([1; 32]));
        let receipt = key.sign1("capelet/1/receipt", &[], b"x");
        ReceiptBundle { document: vec![1], claims: vec![2], receipt, salts }.encode()
    }

    #[test]
    fn discloses_only_what_is_named() {
        let [zero, one, two] = [Some([0; 32]), Some([1; 32]), Some([2; 32])];
        let whole = bundle(vec![zero, one, two]);
        let salts = |result, inputs: &[usize]| {
            disclose(&whole, result, inputs).map(|copy| ReceiptBundle::parse(&copy).unwrap().salts)
        };
        assert_eq!(salts(true, &[2]), Ok(vec![zero, None, two]));
        assert_eq!(salts(false, &[]), Ok(vec![None, None, None]));
        for inputs in [[0], [3]] {
            assert_eq!(salts(false, &inputs).unwrap_err().code(), "bad-argument");
        }
        let less = disclose(&whole, false, &[1]).unwrap();
        assert_eq!(disclose(&less, true, &[]).unwrap_err().code(), "bad-argument");
        assert_eq!(disclose(&less, false, &[2]).unwrap_err().code(), "bad-argument");
    }
}
