//! Verifies, discloses and reads receipts, all offline.

use crate::Crypto;
use crate::error::Error;
use crate::home::trust::{Trust, TrustEntry, TrustedRoot};
use crate::inputs::Form;
use crate::session::trust_mode;
use enclave_core::attestation::{
    self, AttestationFacts, Expected, Freshness, Pins, Root, SessionClaims, SessionPurpose, document_time, named_root,
};
use enclave_core::encoding::payload1;
use enclave_core::objects::{Receipt, ReceiptBundle};
use enclave_core::{Error as CoreError, Salt};
use std::fmt;

/// The largest receipt bundle, in bytes.
pub const MAX_RECEIPT: u64 = 128 << 10;

/// A part of a run to which a receipt commits. Inputs are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The result.
    Result,
    /// An input as the function saw it.
    Input(usize),
    /// The encrypted file that an input was in.
    Ciphertext(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result => f.write_str("result"),
            Self::Input(number) => write!(f, "input {number}"),
            Self::Ciphertext(number) => write!(f, "ciphertext {number}"),
        }
    }
}

/// Files to compare with a receipt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    /// The result.
    pub result: Option<&'a [u8]>,
    /// The first inputs, in order. Each is plaintext or an encrypted file, which may be in its text form.
    pub inputs: &'a [&'a [u8]],
    /// How it is decided which of the two an input is.
    pub form: Form,
}

/// A receipt that was verified.
#[derive(Debug)]
pub struct VerifiedReceipt {
    /// The receipt's content.
    pub receipt: Receipt,
    /// The facts that its attestation document proved.
    pub facts: AttestationFacts,
    /// The parts with which the files were compared.
    pub compared: Vec<Part>,
}

/// Verifies a receipt against a root and pins.
///
/// The document is verified for its own time. Claims, signature and time of the receipt must match it. Then `files` are
/// compared with the commitments.
///
/// # Errors
/// [`Error::Local`] with the first check that failed.
pub fn verify(bytes: &[u8], root: &Root, pins: &Pins, files: &Files<'_>) -> Result<VerifiedReceipt, Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let at = document_time(&bundle.document)?;
    let claims = SessionClaims::parse(&bundle.claims, trust_mode(root))?;
    let freshness = Freshness::Stored { at, max_age: 0 };
    let expected = Expected::new(root, pins, freshness, &bundle.claims, &claims.configuration);
    let verified = attestation::verify::<Crypto, SessionPurpose>(&bundle.document, &expected)?;
    let facts = verified.facts().clone();
    let receipt = bundle.verify(&claims, facts.timestamp)?;
    let compared = compare(&bundle, &receipt, files)?;
    Ok(VerifiedReceipt { receipt, facts, compared })
}

/// Compares files with the commitments. An encrypted file is compared as such if the input was encrypted, unless
/// [`Files::form`] says otherwise; every other file is compared with what the function saw.
fn compare(bundle: &ReceiptBundle, receipt: &Receipt, files: &Files<'_>) -> Result<Vec<Part>, Error> {
    let mut compared = Vec::from_iter(files.result.map(|_| Part::Result));
    let mut data = vec![files.result];
    for (index, bytes) in files.inputs.iter().enumerate() {
        let was_encrypted = receipt.inputs.get(index).is_some_and(|input| input.ciphertext.is_some());
        // What was sent in the clear may begin like a ciphertext.
        let recognise = was_encrypted || files.form == Form::Ciphertext;
        let file = if recognise { files.form.ciphertext(bytes)? } else { None };
        if let Some(file) = file {
            bundle.check_ciphertext(receipt, index, &file)?;
            compared.push(Part::Ciphertext(index + 1));
            data.push(None);
        } else {
            compared.push(Part::Input(index + 1));
            data.push(Some(*bytes));
        }
    }
    bundle.check_data(receipt, &data)?;
    Ok(compared)
}

/// Like [`verify()`], under one trust entry.
///
/// # Errors
/// As [`verify()`].
pub fn verify_under(bytes: &[u8], entry: &TrustEntry, files: &Files<'_>) -> Result<VerifiedReceipt, Error> {
    verify(bytes, &entry.root()?, &entry.pins()?, files)
}

/// Like [`verify()`], with the first trust entry that accepts the receipt. Entries under Amazon's root come first.
///
/// # Errors
/// If no entry accepts it, the most specific of their errors is returned. A wrong root is the least specific one.
pub fn verify_trusted<'a>(
    bytes: &[u8],
    trust: &'a Trust,
    files: &Files<'_>,
) -> Result<(VerifiedReceipt, &'a TrustEntry), Error> {
    ReceiptBundle::parse(bytes)?;
    let mut entries: Vec<_> = trust.all().iter().collect();
    entries.sort_by_key(|entry| entry.root != TrustedRoot::Aws);
    let mut nearest = Error::Local(CoreError::NoPins);
    for entry in entries {
        match verify_under(bytes, entry, files) {
            Ok(verified) => return Ok((verified, entry)),
            Err(Error::Local(CoreError::NoPins)) => {}
            Err(error) if nearest == Error::Local(CoreError::NoPins) => nearest = error,
            Err(Error::Local(CoreError::UntrustedRoot)) => {}
            Err(error) => nearest = error,
        }
    }
    Err(nearest)
}

/// Makes a copy that discloses only these parts.
///
/// # Errors
/// [`Error::Argument`] if the original does not disclose one of them.
pub fn disclose(bytes: &[u8], parts: &[Part]) -> Result<Vec<u8>, Error> {
    let bundle = ReceiptBundle::parse(bytes)?;
    let disclosed = |part: &Part| {
        let salt = match part {
            Part::Result => bundle.salts.first(),
            // The result's salt comes first. It is no input.
            Part::Input(number) => bundle.salts.get(*number).filter(|_| *number > 0),
            Part::Ciphertext(number) => number.checked_sub(1).and_then(|index| bundle.ciphertext_salts.get(index)),
        };
        salt.is_some_and(Option::is_some)
    };
    if !parts.iter().all(disclosed) {
        return Err(Error::Argument {
            name: "--result, --input and --ciphertext",
            want: "a result, inputs and encrypted files that the receipt itself discloses",
        });
    }
    let data = std::iter::once(Part::Result).chain((1..).map(Part::Input));
    let salts = keep(&bundle.salts, data, parts);
    let ciphertext_salts = keep(&bundle.ciphertext_salts, (1..).map(Part::Ciphertext), parts);
    Ok(ReceiptBundle { salts, ciphertext_salts, ..bundle }.encode())
}

/// The salts of `kept` parts. `parts` says to which part each salt belongs.
fn keep(salts: &[Option<Salt>], parts: impl Iterator<Item = Part>, kept: &[Part]) -> Vec<Option<Salt>> {
    salts.iter().zip(parts).map(|(salt, part)| salt.filter(|_| kept.contains(&part))).collect()
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
    use crate::sample;
    use enclave_core::Commitment;
    use enclave_core::encoding::SigningKey;
    use enclave_core::objects::{Ciphertext, InputCommitments};
    use zeroize::Zeroizing;

    fn bundle(salts: Vec<Option<Salt>>, ciphertext_salts: Vec<Option<Salt>>) -> ReceiptBundle {
        let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
        let receipt = key.sign1("capelet/1/receipt", &[], b"x");
        ReceiptBundle { document: vec![1], claims: vec![2], receipt, salts, ciphertext_salts }
    }

    fn salt(byte: u8) -> Salt {
        Salt::new([byte; 32])
    }

    #[test]
    fn discloses_only_what_is_named() {
        use Part::{Ciphertext, Input, Result};
        let [zero, one, two, file] = [0, 1, 2, 3].map(|byte| Some(salt(byte)));
        let whole = bundle(vec![zero, one, two], vec![None, file]).encode();
        let salts = |parts: &[Part]| {
            disclose(&whole, parts).map(|copy| {
                let copy = ReceiptBundle::parse(&copy).unwrap();
                (copy.salts, copy.ciphertext_salts)
            })
        };
        let nothing = || vec![None, None];
        assert_eq!(salts(&[Result, Input(2)]), Ok((vec![zero, None, two], nothing())));
        assert_eq!(salts(&[]), Ok((vec![None, None, None], nothing())));
        // That a file was used can be shown without what is in it, and the other way round.
        assert_eq!(salts(&[Ciphertext(2)]), Ok((vec![None, None, None], vec![None, file])));
        for part in [Input(0), Input(3), Ciphertext(0), Ciphertext(1), Ciphertext(3)] {
            assert_eq!(salts(&[part]).unwrap_err().code(), "bad-argument", "{part}");
        }
        let less = disclose(&whole, &[Input(1)]).unwrap();
        for part in [Result, Input(2), Ciphertext(2)] {
            assert_eq!(disclose(&less, &[part]).unwrap_err().code(), "bad-argument", "{part}");
        }
    }

    /// A receipt for the plaintext `x`, and for an encrypted `y` in `file`, with its bundle.
    fn receipt_for(file: &[u8]) -> (Receipt, ReceiptBundle) {
        let file = Ciphertext::parse(file).unwrap();
        let ciphertext = Commitment::to_ciphertext(&salt(3), &file.header.kid, &file.digest());
        let inputs = vec![
            InputCommitments { data: Commitment::to(&salt(1), b"x"), ciphertext: None },
            InputCommitments { data: Commitment::to(&salt(2), b"y"), ciphertext: Some(ciphertext) },
        ];
        let receipt = sample::receipt(inputs, Some(Commitment::to(&salt(0), b"z")));
        let salts = [0, 1, 2].map(|byte| Some(salt(byte))).to_vec();
        (receipt, bundle(salts, vec![None, Some(salt(3))]))
    }

    #[test]
    fn compares_encrypted_files_with_their_own_commitment() {
        use Part::{Ciphertext, Input, Result};
        let file = sample::encrypted_file(b"y", 1);
        let text = enclave_core::encoding::cape_encode(&file);
        let other = sample::encrypted_file(b"y", 2);
        let (receipt, whole) = receipt_for(&file);
        let compared = |bundle: &ReceiptBundle, result: Option<&[u8]>, inputs: &[&[u8]]| {
            let form = Form::Recognise;
            compare(bundle, &receipt, &Files { result, inputs, form }).map_err(|error| error.code())
        };
        assert_eq!(compared(&whole, None, &[]), Ok(vec![]));
        assert_eq!(compared(&whole, Some(b"z"), &[b"x", b"y"]), Ok(vec![Result, Input(1), Input(2)]));
        assert_eq!(compared(&whole, None, &[b"x", &file]), Ok(vec![Input(1), Ciphertext(2)]));
        assert_eq!(compared(&whole, None, &[b"x", text.as_bytes()]), Ok(vec![Input(1), Ciphertext(2)]));
        let refused: [&[&[u8]]; 5] = [&[b"y"], &[b"x", b"x"], &[b"x", &other], &[&file], &[b"x", b"y", b"y"]];
        for inputs in refused {
            assert_eq!(compared(&whole, None, inputs), Err("disagrees"), "{inputs:?}");
        }
        assert_eq!(compared(&whole, Some(b"y"), &[]), Err("disagrees"));
        assert_eq!(compared(&whole, None, &[b"x", b"cape:?"]), Err("malformed"));

        // Who is shown one of the two can compare only this one.
        let (mut without_data, mut without_file) = (whole.clone(), whole);
        without_data.salts[2] = None;
        without_file.ciphertext_salts[1] = None;
        assert_eq!(compared(&without_data, None, &[b"x", &file]), Ok(vec![Input(1), Ciphertext(2)]));
        assert_eq!(compared(&without_data, None, &[b"x", b"y"]), Err("disagrees"));
        assert_eq!(compared(&without_file, None, &[b"x", b"y"]), Ok(vec![Input(1), Input(2)]));
        assert_eq!(compared(&without_file, None, &[b"x", &file]), Err("disagrees"));
    }

    #[test]
    fn an_input_that_only_looks_encrypted_is_compared_as_data() {
        let file = sample::encrypted_file(b"y", 1);
        let (mut receipt, mut bundle) = receipt_for(&file);
        receipt.inputs = vec![InputCommitments { data: Commitment::to(&salt(1), b"cape:?"), ciphertext: None }];
        bundle.salts.truncate(2);
        bundle.ciphertext_salts = vec![None];
        let compared = |form| compare(&bundle, &receipt, &Files { result: None, inputs: &[b"cape:?"], form });
        assert_eq!(compared(Form::Recognise), Ok(vec![Part::Input(1)]));
        assert_eq!(compared(Form::Plain), Ok(vec![Part::Input(1)]));
        assert_eq!(compared(Form::Ciphertext), Err(Error::NotCiphertext(true)));
    }

    #[test]
    fn an_encrypted_text_that_looks_encrypted_is_compared_as_its_option_says() {
        let looks_encrypted = sample::encrypted_file(b"inner", 2);
        let file = sample::encrypted_file(&looks_encrypted, 1);
        let (mut receipt, bundle) = receipt_for(&file);
        receipt.inputs[1].data = Commitment::to(&salt(2), &looks_encrypted);
        let compared =
            |input: &[u8], form| compare(&bundle, &receipt, &Files { result: None, inputs: &[b"x", input], form });
        assert_eq!(compared(&looks_encrypted, Form::Plain), Ok(vec![Part::Input(1), Part::Input(2)]));
        assert_eq!(compared(&looks_encrypted, Form::Recognise).unwrap_err().code(), "disagrees");
        assert_eq!(compared(&file, Form::Recognise), Ok(vec![Part::Input(1), Part::Ciphertext(2)]));
    }
}
