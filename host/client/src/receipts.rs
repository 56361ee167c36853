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

/// A copy by which only the result, if `result`, and the inputs of these numbers, from 1, can be compared. What has
/// not been disclosed to whoever copies cannot be.
pub fn disclose(bytes: &[u8], result: bool, inputs: &[usize]) -> Result<Vec<u8>, Error> {
    let mut bundle = ReceiptBundle::parse(bytes)?;
    let known = |place: usize| bundle.salts.get(place).is_some_and(Option::is_some);
    if inputs.iter().any(|input| *input == 0 || !known(*input)) || (result && !known(0)) {
        return Err(Error::Argument {
            name: "what is disclosed",
            want: "a result or an input that this receipt discloses",
        });
    }
    for (place, salt) in bundle.salts.iter_mut().enumerate() {
        let keep = if place == 0 { result } else { inputs.contains(&place) };
        *salt = salt.filter(|_| keep);
    }
    Ok(bundle.encode())
}

/// What a receipt says, and whether the root that it names is a development root; without any judgement.
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
    fn only_what_is_named_is_disclosed() {
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
