//! Runs a function, and checks the enclave's answer against its receipt.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::Catalogue;
use crate::session::{ReceivedResponse, RequestSpec, Session};
use enclave_core::encoding::{CAPE, cape_decode};
use enclave_core::identity::Identity;
use enclave_core::messages::{KeyShares, RunInput, RunParams, RunResult, Verb};
use enclave_core::objects::{Ciphertext, MAX_INPUTS, ObjectKind, Receipt, ReceiptBundle, ReceiptFunction};
use enclave_core::{Error as CoreError, MessageKind, ObjectId, RequestId};
use zeroize::Zeroizing;

/// One input of a run.
pub enum Input {
    /// Data that is not encrypted.
    Plain(Zeroizing<Vec<u8>>),
    /// An encrypted file.
    Encrypted(Vec<u8>),
}

impl Input {
    /// Recognises an encrypted file and its text form. All other bytes are plain.
    ///
    /// # Errors
    /// [`Error::Local`] for an invalid text form.
    pub fn recognise(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if Ciphertext::is_encrypted(&bytes) {
            return Ok(Self::Encrypted(bytes.to_vec()));
        }
        if !bytes.starts_with(CAPE.as_bytes()) {
            return Ok(Self::Plain(bytes));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| CoreError::Malformed(MessageKind::Text))?;
        Ok(Self::Encrypted(cape_decode(text.trim_end())?))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Encrypted(bytes) => bytes,
        }
    }
}

/// A run that the enclave started and that ended, with its verified receipt.
pub struct FinishedRun {
    /// The output, or the error of the function.
    pub output: Result<Zeroizing<Vec<u8>>, CoreError>,
    /// What the function wrote to stderr. It is empty unless the caller may see it.
    pub diagnostic: Zeroizing<Vec<u8>>,
    /// The receipt bundle: the receipt with everything that its verification needs.
    pub bundle: Vec<u8>,
    /// The parsed receipt.
    pub receipt: Receipt,
    /// The request's id.
    pub id: RequestId,
}

/// Runs a function.
///
/// # Errors
/// [`Error::Answered`] if the enclave did not start the run. [`Error::Local`] if the receipt does not match the request,
/// the inputs or the output.
pub fn run(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &ReceiptFunction,
    inputs: &[Input],
) -> Result<FinishedRun, Error> {
    if inputs.is_empty() || inputs.len() as u64 > MAX_INPUTS {
        return Err(Error::Argument { name: "the input", want: "1 to 64 inputs" });
    }
    let limit = session.limits().input;
    let total: usize = inputs.iter().map(|input| input.bytes().len()).sum();
    if total as u64 > limit {
        return Err(CoreError::InputLimit(limit).into());
    }
    let ReceiptFunction { owner, id, version, checksum } = *function;
    let mut key_shares = KeyShares::from([(id, session.key_share(identity, ObjectKind::Function, &id, version))]);
    let mut listed = Vec::with_capacity(inputs.len());
    for input in inputs {
        let epoch = match input {
            Input::Plain(_) => None,
            Input::Encrypted(bytes) => {
                let (id, epoch) = vault_key(home, session, identity, bytes)?;
                key_shares.insert(id, session.key_share(identity, ObjectKind::VaultKey, &id, epoch));
                Some(epoch)
            }
        };
        listed.push(RunInput { length: input.bytes().len() as u64, epoch });
    }
    let params = RunParams { owner, id, version, checksum, inputs: listed };
    let joined;
    let body = match inputs {
        // A single input is not copied, because it may be large.
        [only] => only.bytes(),
        _ => {
            let mut all = Zeroizing::new(Vec::with_capacity(total));
            inputs.iter().for_each(|input| all.extend_from_slice(input.bytes()));
            joined = all;
            &joined
        }
    };
    let request = RequestSpec::new(&params).with_key_shares(key_shares).with_body(body);
    let response = session.send(identity, request)?;
    check_receipt(session, identity, function, inputs, response)
}

/// Id and epoch of the vault key to which `file` was encrypted. It must be a key of this owner under this root.
fn vault_key(home: &Home, session: &Session, identity: &Identity, file: &[u8]) -> Result<(ObjectId, u64), Error> {
    let header = Ciphertext::parse(file)?.header;
    let catalogue: Catalogue = home.load()?;
    let epoch = catalogue.epoch_of(&header.kid, &session.root_id());
    let epoch = epoch.filter(|_| header.owner == identity.owner()).ok_or(Error::ForeignCiphertext)?;
    Ok((header.kid.object_id(), epoch.epoch))
}

/// Checks the receipt, and compares it with the request, the inputs and the output.
fn check_receipt(
    session: &Session,
    identity: &Identity,
    function: &ReceiptFunction,
    inputs: &[Input],
    response: ReceivedResponse,
) -> Result<FinishedRun, Error> {
    let signed = match (response.receipt, response.failed) {
        (Some(receipt), _) => receipt,
        (None, Some(error)) => return Err(Error::Answered(error)),
        (None, None) => return Err(CoreError::Mismatch(MessageKind::Receipt).into()),
    };
    let completed = response.failed.is_none();
    let salt = |i: u32| session.salt(response.n, i);
    let salts = std::iter::once(completed.then(|| salt(0))).chain((1..).zip(inputs).map(|(i, _)| Some(salt(i))));
    let evidence = session.evidence();
    let bundle = ReceiptBundle {
        document: evidence.document.clone(),
        claims: evidence.claims_bytes.clone(),
        receipt: signed,
        salts: salts.collect(),
    };
    let receipt = bundle.verify(&evidence.claims, session.facts().timestamp)?;
    let same = receipt.request == response.request
        && receipt.function == *function
        && receipt.caller == identity.owner()
        && receipt.verb == Verb::Run
        && receipt.output.is_some() == completed
        && receipt.status.number() == response.status;
    if !same {
        return Err(CoreError::Mismatch(MessageKind::Receipt).into());
    }
    let output = completed.then_some(response.body.as_slice());
    let plain = inputs.iter().map(|input| match input {
        Input::Plain(bytes) => Some(bytes.as_slice()),
        Input::Encrypted(_) => None,
    });
    let data: Vec<_> = std::iter::once(output).chain(plain).collect();
    bundle.check_data(&receipt, &data)?;
    Ok(FinishedRun {
        diagnostic: RunResult::parse(&response.result)?.stderr.unwrap_or_default(),
        output: match response.failed {
            None => Ok(response.body),
            Some(error) => Err(error),
        },
        bundle: bundle.encode(),
        receipt,
        id: response.id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> Result<&'static str, &'static str> {
        match Input::recognise(Zeroizing::new(bytes.to_vec())) {
            Ok(Input::Plain(_)) => Ok("plain"),
            Ok(Input::Encrypted(_)) => Ok("encrypted"),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn recognises_encrypted_files_and_their_text_form() {
        assert_eq!(kind(b""), Ok("plain"));
        assert_eq!(kind(b"cape"), Ok("plain"));
        assert_eq!(kind(b"CPLT\0\0"), Ok("encrypted"));
        assert_eq!(kind(b"cape:Q1BMVA\n"), Ok("encrypted"));
        assert_eq!(kind(b"cape:Q1BM VA"), Err("malformed"));
        assert_eq!(kind(b"cape:\xff"), Err("malformed"));
    }
}
