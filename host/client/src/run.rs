//! Running a function, and holding the enclave to its receipt.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::Catalogue;
use crate::session::{Answer, Ask, Session};
use crate::values::Hex;
use capelet_job::outcome::MAX_DIAGNOSTIC;
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

/// What an encrypted file begins with.
const MAGIC: &[u8] = b"CPLT";

/// One input of a run.
pub enum Input {
    /// As it is.
    Plain(Zeroizing<Vec<u8>>),
    /// An encrypted file.
    Encrypted(Vec<u8>),
}

impl Input {
    /// What `bytes` are: an encrypted file, its text form, or plain.
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

/// What came of a run that was admitted.
pub struct Ran {
    /// The output, or how it failed.
    pub output: Result<Zeroizing<Vec<u8>>, CoreError>,
    /// What it wrote to stderr, if that is its caller's to see.
    pub diagnostic: Zeroizing<Vec<u8>>,
    /// The receipt with all that it takes to check it.
    pub bundle: Vec<u8>,
    /// What the receipt says.
    pub receipt: Receipt,
    /// The request's id.
    pub id: Hex<16>,
}

/// Runs a function. An error is a run that was not admitted, or that the receipt does not bear out.
pub fn run(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &Function,
    inputs: &[Input],
) -> Result<Ran, Error> {
    if inputs.is_empty() || inputs.len() as u64 > MAX_INPUTS {
        return Err(Error::Argument { name: "the input", want: "1 to 64 inputs" });
    }
    let limit = session.limits().input;
    let total: usize = inputs.iter().map(|input| input.bytes().len()).sum();
    if total as u64 > limit {
        return Err(CoreError::InputLimit(limit).into());
    }
    let mut halves = Halves::new();
    halves.insert(function.id, session.half(identity, Kind::Function, &function.id, function.version));
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
                halves.insert(id, session.half(identity, Kind::VaultKey, &id, epoch));
                params.array(3).uint(1).uint(bytes.len() as u64).uint(epoch);
            }
        }
    }
    let joined;
    let body = match inputs {
        // One input, which may be large, is not copied.
        [only] => only.bytes(),
        _ => {
            let mut all = Zeroizing::new(Vec::with_capacity(total));
            inputs.iter().for_each(|input| all.extend_from_slice(input.bytes()));
            joined = all;
            &joined
        }
    };
    let ask = Ask { verb: Verb::Run, params: params.finish(), halves, body: Some(body) };
    let answer = session.ask(identity, ask)?;
    judge(session, identity, function, inputs, answer)
}

/// Id and epoch of the vault key that opens `file`: one of this owner's, under this root.
fn vault_key(home: &Home, session: &Session, identity: &Identity, file: &[u8]) -> Result<([u8; 16], u64), Error> {
    let header = Ciphertext::parse(file)?.header;
    let catalogue: Catalogue = home.load()?;
    let epoch = catalogue.epoch_of(&Hex(header.kid), &session.root_id());
    let epoch = epoch.filter(|_| header.owner == identity.owner()).ok_or(Error::ForeignCiphertext)?;
    Ok((vault::id(&header.kid), epoch.epoch))
}

/// Compares the answer with its receipt, and the receipt with what was asked.
fn judge(
    session: &Session,
    identity: &Identity,
    function: &Function,
    inputs: &[Input],
    answer: Answer,
) -> Result<Ran, Error> {
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
    Ok(Ran {
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

/// {? 1 value, ? 2 stderr}: the second.
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
    fn ciphertext_is_recognised() {
        assert_eq!(kind(b""), Ok("plain"));
        assert_eq!(kind(b"cape"), Ok("plain"));
        assert_eq!(kind(b"CPLT\0\0"), Ok("encrypted"));
        assert_eq!(kind(b"cape:Q1BMVA\n"), Ok("encrypted"));
        assert_eq!(kind(b"cape:Q1BM VA"), Err("malformed"));
        assert_eq!(kind(b"cape:\xff"), Err("malformed"));
    }
}
