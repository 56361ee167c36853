//! Runs a function, and checks the enclave's answer against its receipt.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::Catalogue;
use crate::session::{Answer, RequestSpec, Session};
use crate::values::Hex;
use capelet_abi::outcome::MAX_DIAGNOSTIC;
use enclave_core::Error as CoreError;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::object::Kind;
use enclave_core::receipt::{Function, MAX_INPUTS, Receipt, ReceiptBundle};
use enclave_core::text;
use enclave_core::vault::{self, Ciphertext};
use zeroize::Zeroizing;

/// The first bytes of an encrypted file.
const MAGIC: &[u8] = b"CPLT";

/// One input of a run.
pub enum Input {
    /// Data that is not encrypted.
    Plain(Zeroizing<Vec<u8>>),
    /// An encrypted file.
    Encrypted(Vec<u8>),
}

impl Input {
    /// Recognises an encrypted file and its text form. All other bytes are plain.
    pub fn recognise(bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if bytes.starts_with(MAGIC) {
            return Ok(Self::Encrypted(bytes.to_vec()));
        }
        if !bytes.starts_with(text::CAPE.as_bytes()) {
            return Ok(Self::Plain(bytes));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| CoreError::Malformed(Part::Text))?;
        Ok(Self::Encrypted(text::cape_decode(text.trim_end())?))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Encrypted(bytes) => bytes,
        }
    }
}

/// The outcome of a run that the enclave started.
pub struct RunResult {
    /// The output, or the error of the function.
    pub output: Result<Zeroizing<Vec<u8>>, CoreError>,
    /// What the function wrote to stderr. It is empty unless the caller may see it.
    pub diagnostic: Zeroizing<Vec<u8>>,
    /// The receipt bundle: the receipt with everything that its verification needs.
    pub bundle: Vec<u8>,
    /// The parsed receipt.
    pub receipt: Receipt,
    /// The request's id.
    pub id: Hex<16>,
}

/// Runs a function.
///
/// # Errors
///
/// [`Error::Answered`] if the enclave did not start the run. [`Error::Local`] if the receipt does not match the request,
/// the inputs or the output.
pub fn run(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &Function,
    inputs: &[Input],
) -> Result<RunResult, Error> {
    if inputs.is_empty() || inputs.len() as u64 > MAX_INPUTS {
        return Err(Error::Argument { name: "the input", want: "1 to 64 inputs" });
    }
    let limit = session.limits().input;
    let total: usize = inputs.iter().map(|input| input.bytes().len()).sum();
    if total as u64 > limit {
        return Err(CoreError::InputLimit(limit).into());
    }
    let mut key_shares = Halves::new();
    key_shares.insert(function.id, session.key_share(identity, Kind::Function, &function.id, function.version));
    let mut params = Writer::new();
    params.map(5).uint(1).bytes(&function.owner).uint(2).bytes(&function.id).uint(3).uint(function.version);
    params.uint(4).bytes(&function.checksum).uint(5).array(inputs.len() as u64);
    for input in inputs {
        match input {
            Input::Plain(bytes) => {
                params.array(2).uint(0).uint(bytes.len() as u64);
            }
            Input::Encrypted(bytes) => {
                let (id, epoch) = vault_key(home, session, identity, bytes)?;
                key_shares.insert(id, session.key_share(identity, Kind::VaultKey, &id, epoch));
                params.array(3).uint(1).uint(bytes.len() as u64).uint(epoch);
            }
        }
    }
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
    let request = RequestSpec { verb: Verb::Run, params: params.finish(), key_shares, body: Some(body) };
    let answer = session.send(identity, request)?;
    check_receipt(session, identity, function, inputs, answer)
}

/// Id and epoch of the vault key to which `file` was encrypted. It must be a key of this owner under this root.
fn vault_key(home: &Home, session: &Session, identity: &Identity, file: &[u8]) -> Result<([u8; 16], u64), Error> {
    let header = Ciphertext::parse(file)?.header;
    let catalogue: Catalogue = home.load()?;
    let epoch = catalogue.epoch_of(&Hex(header.kid), &session.root_id());
    let epoch = epoch.filter(|_| header.owner == identity.owner()).ok_or(Error::ForeignCiphertext)?;
    Ok((vault::id(&header.kid), epoch.epoch))
}

/// Checks the receipt, and compares it with the request, the inputs and the output.
fn check_receipt(
    session: &Session,
    identity: &Identity,
    function: &Function,
    inputs: &[Input],
    answer: Answer,
) -> Result<RunResult, Error> {
    let signed = match (answer.receipt, answer.failed) {
        (Some(receipt), _) => receipt,
        (None, Some(error)) => return Err(Error::Answered(error)),
        (None, None) => return Err(CoreError::Disagrees(Part::Receipt).into()),
    };
    let completed = answer.failed.is_none();
    let salt = |i: u32| session.salt(answer.n, i);
    let salts = std::iter::once(completed.then(|| salt(0))).chain((1..).zip(inputs).map(|(i, _)| Some(salt(i))));
    let evidence = session.evidence();
    let bundle = ReceiptBundle {
        document: evidence.document.clone(),
        claims: evidence.claims_bytes.clone(),
        receipt: signed,
        salts: salts.collect(),
    };
    let receipt = bundle.check(&evidence.claims, session.verified().timestamp)?;
    let same = receipt.request == answer.request
        && receipt.function == *function
        && receipt.caller == identity.owner()
        && receipt.verb == Verb::Run as u64
        && receipt.output.is_some() == completed
        && receipt.status == answer.status;
    if !same {
        return Err(CoreError::Disagrees(Part::Receipt).into());
    }
    let output = completed.then_some(answer.body.as_slice());
    let plain = inputs.iter().map(|input| match input {
        Input::Plain(bytes) => Some(bytes.as_slice()),
        Input::Encrypted(_) => None,
    });
    let data: Vec<_> = std::iter::once(output).chain(plain).collect();
    bundle.check_data(&receipt, &data)?;
    Ok(RunResult {
        diagnostic: diagnostic(&answer.result)?,
        output: match answer.failed {
            None => Ok(answer.body),
            Some(error) => Err(error),
        },
        bundle: bundle.encode(),
        receipt,
        id: answer.id,
    })
}

/// Parses stderr from the result of `run`: {? 1: value, ? 2: stderr}.
fn diagnostic(result: &[u8]) -> Result<Zeroizing<Vec<u8>>, CoreError> {
    let mut reader = Reader::new(result, Part::Response)?;
    let mut found = Zeroizing::new(Vec::new());
    for _ in 0..reader.any_map()? {
        match reader.uint()? {
            1 => {
                reader.uint()?;
            }
            2 => found.extend_from_slice(reader.bytes(0, MAX_DIAGNOSTIC)?),
            _ => return Err(CoreError::Malformed(Part::Response)),
        }
    }
    reader.end()?;
    Ok(found)
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
