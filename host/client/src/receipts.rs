//! Verifies, discloses and reads receipts, all offline.

use crate::Crypto;
use crate::error::Error;
use crate::home::trust::{Trust, TrustEntry};
use crate::session::trust_mode;
use enclave_core::Error as CoreError;
use enclave_core::attestation::{
    self, AttestationFacts, Expected, Freshness, Pins, Root, SessionClaims, SessionPurpose, document_time, named_root,
};
use enclave_core::encoding::payload1;
use enclave_core::objects::{Receipt, ReceiptBundle};

/// The largest receipt bundle, in bytes.
pub const MAX_RECEIPT: u64 = 128 << 10;

/// A receipt that was verified.
#[derive(Debug)]
pub struct VerifiedReceipt {
    /// The receipt's content.
    pub receipt: Receipt,
    /// The facts that its attestation document proved.
    pub facts: AttestationFacts,
    /// Which commitments are disclosed, so that data can be compared with them: first the output, then each input.
    pub disclosed: Vec<bool>,
}

/// Verifies a receipt against a root and pins.
///
/// The document is verified for its own time. Claims, signature and time of the receipt must match it. Then `data` is
/// compared with the commitments: first the output, then each input. `None` in `data` is not compared.
///
/// # Errors
/// [`Error::Local`] with the first check that failed.
pub fn verify(bytes: &[u8], root: &Root, pins: &Pins, data: &[Option<&[u8]>]) -> Result<VerifiedReceipt, Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let at = document_time(&bundle.document)?;
    let claims = SessionClaims::parse(&bundle.claims, trust_mode(root))?;
    let freshness = Freshness::Stored { at, max_age: 0 };
    let expected = Expected::new(root, pins, freshness, &bundle.claims, &claims.configuration);
    let verified = attestation::verify::<Crypto, SessionPurpose>(&bundle.document, &expected)?;
    let facts = verified.facts().clone();
    let receipt = bundle.verify(&claims, facts.timestamp)?;
    bundle.check_data(&receipt, data)?;
    let disclosed = bundle.salts.iter().map(Option::is_some).collect();
    Ok(VerifiedReceipt { receipt, facts, disclosed })
}

/// Like [`verify()`], with the first trust entry that accepts the receipt.
///
/// # Errors
/// If no entry accepts it, the most specific of their errors is returned. A wrong root is the least specific one.
pub fn verify_trusted(bytes: &[u8], trust: &Trust, data: &[Option<&[u8]>]) -> Result<VerifiedReceipt, Error> {
    ReceiptBundle::parse(bytes)?;
    let attempt = |entry: &TrustEntry| verify(bytes, &entry.root()?, &entry.pins()?, data);
    let mut nearest = Error::Local(CoreError::NoPins);
    for entry in trust.all() {
        match attempt(entry) {
            Ok(verified) => return Ok(verified),
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
///
/// # Errors
/// [`Error::Local`] for an invalid receipt or document.
pub fn read(bytes: &[u8]) -> Result<(Receipt, bool), Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let development = named_root(&bundle.document)? != Root::aws().der();
    Ok((Receipt::parse(payload1(&bundle.receipt)?)?, development))
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::Salt;
    use enclave_core::encoding::SigningKey;
    use zeroize::Zeroizing;

    fn bundle(salts: Vec<Option<Salt>>) -> Vec<u8> {
        let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
        let receipt = key.sign1("capelet/1/receipt", &[], b"x");
        ReceiptBundle { document: vec![1], claims: vec![2], receipt, salts }.encode()
    }

    #[test]
    fn discloses_only_what_is_named() {
        let [zero, one, two] = [0, 1, 2].map(|byte| Some(Salt::new([byte; 32])));
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
