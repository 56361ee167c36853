//! Runs a function, and checks the enclave's answer against its receipt.

use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::Catalogue;
use crate::inputs::{Input, Inputs};
use crate::learn;
use crate::session::{ReceivedResponse, RequestSpec, Session};
use enclave_core::identity::Identity;
use enclave_core::messages::{KeyShares, RunInput, RunParams, RunResult, Verb};
use enclave_core::objects::{Ciphertext, InputCommitments, MAX_INPUTS, Receipt, ReceiptBundle, ReceiptFunction};
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Commitment, Error as CoreError, MessageKind, RequestId, Salt};
use std::rc::Rc;
use zeroize::Zeroizing;

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
/// The request carries the key shares of the function and of each vault key, if the session's image sealed them.
///
/// # Errors
/// [`Error::WrongImage`] if another image sealed one of them, and [`Error::ForeignCiphertext`] for an input that is
/// encrypted to somebody else's vault key: then nothing is sent. [`Error::UnknownVaultKey`] for one that is encrypted to
/// a key of this owner that is unknown here. [`Error::Answered`] if the enclave did not start the
/// run. [`Error::Local`] if the receipt does not match the request, the inputs or the output.
pub fn run(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    function: &ReceiptFunction,
    inputs: Rc<Inputs>,
) -> Result<FinishedRun, Error> {
    if inputs.count() == 0 || inputs.count() as u64 > MAX_INPUTS {
        return Err(Error::Argument { name: "the input", want: "1 to 64 inputs" });
    }
    let limit = session.limits().input;
    if inputs.body().len() as u64 > limit {
        return Err(CoreError::InputLimit(limit).into());
    }
    let ReceiptFunction { owner, id, version, checksum } = *function;
    let catalogue: Catalogue = home.load_of(&identity.owner())?;
    let mut key_shares = function_share(&catalogue, session, identity, function)?;
    let mut listed = Vec::with_capacity(inputs.count());
    for input in inputs.iter() {
        let (length, epoch) = match input {
            Input::Plain(bytes) => (bytes.len(), None),
            Input::Encrypted(file) => {
                let header = Ciphertext::parse(file)?.header;
                if header.owner != identity.owner() {
                    return Err(Error::ForeignCiphertext);
                }
                let own = match catalogue.epoch_of(&header.kid, &session.root_id()) {
                    Some(own) => own.clone(),
                    None => learn::vault_key(home, session, identity, header.kid)?,
                };
                let (kind, owner, id) = (StoreKind::VaultKey, header.owner, header.kid.object_id());
                let object = StoreKey { kind, owner, id, version: own.epoch };
                key_shares.insert(object, session.key_share(identity, &object, &own.image.0)?);
                (file.len(), Some(own.epoch))
            }
        };
        listed.push(RunInput { length: length as u64, epoch });
    }
    let params = RunParams { owner, id, version, checksum, inputs: listed };
    let request = RequestSpec::new(&params).with_key_shares(key_shares).with_body(inputs.body());
    let sent = session.begin(identity, request)?;
    let committed = inputs.iter().zip(1..).map(|(input, i)| CommittedInput::new(session, sent.n, i, input));
    let committed: Vec<_> = committed.collect::<Result<_, _>>()?;
    // The result may be as large as the inputs. Only their commitments are still needed, unless the caller repeats the
    // run and has kept them.
    drop(inputs);
    let response = session.receive(sent)?;
    check_receipt(session, identity, function, &committed, response)
}

/// The key share of the function. A function of another owner needs none of this owner's.
///
/// The catalogue may lack the function, for example on another machine. The share for the session's image then opens the
/// function only if this image sealed it.
fn function_share(
    catalogue: &Catalogue,
    session: &Session,
    identity: &Identity,
    function: &ReceiptFunction,
) -> Result<KeyShares, Error> {
    let ReceiptFunction { owner, id, version, .. } = *function;
    if owner != identity.owner() {
        return Ok(KeyShares::new());
    }
    let recorded = catalogue.function(&id, version, &session.root_id());
    let sealed_by = recorded.map_or(session.image(), |recorded| &recorded.image.0);
    let object = StoreKey { kind: StoreKind::Function, owner, id, version };
    session.key_shares(identity, &object, sealed_by)
}

/// What a receipt must say of an input, and the salts with which its reader can compare it.
struct CommittedInput {
    /// The salt of the commitment to the data.
    salt: Salt,
    /// The commitment to an input in the clear, as the function sees it. `None` for a ciphertext, because this client
    /// need not know what is in it.
    data: Option<Commitment>,
    /// The salt of the commitment to a ciphertext, and this commitment.
    ciphertext: Option<(Salt, Commitment)>,
}

impl CommittedInput {
    /// Input `i`, from 1, of the request `n`.
    fn new(session: &Session, n: u64, i: u32, input: Input<'_>) -> Result<Self, CoreError> {
        Self::with_salts(session.salt(n, i), || session.ciphertext_salt(n, i), input)
    }

    fn with_salts(salt: Salt, of_ciphertext: impl FnOnce() -> Salt, input: Input<'_>) -> Result<Self, CoreError> {
        Ok(match input {
            Input::Plain(bytes) => Self { salt, data: Some(Commitment::to(&salt, bytes)), ciphertext: None },
            Input::Encrypted(file) => {
                let (file, of_ciphertext) = (Ciphertext::parse(file)?, of_ciphertext());
                let commitment = Commitment::to_ciphertext(&of_ciphertext, &file.header.kid, &file.digest());
                Self { salt, data: None, ciphertext: Some((of_ciphertext, commitment)) }
            }
        })
    }

    /// Whether a receipt says this of the input. An input in the clear has no commitment to a ciphertext: the function
    /// would have seen another input, the content of a file.
    fn is_in(&self, receipt: &InputCommitments) -> bool {
        let ciphertext = self.ciphertext.as_ref().map(|(_, commitment)| *commitment);
        ciphertext == receipt.ciphertext && self.data.is_none_or(|data| data == receipt.data)
    }
}

/// Checks the receipt, and compares it with the request, the inputs and the output.
fn check_receipt(
    session: &Session,
    identity: &Identity,
    function: &ReceiptFunction,
    inputs: &[CommittedInput],
    response: ReceivedResponse,
) -> Result<FinishedRun, Error> {
    let signed = match (response.receipt, response.failed) {
        (Some(receipt), _) => receipt,
        (None, Some(error)) => return Err(Error::Answered(error)),
        (None, None) => return Err(CoreError::Mismatch(MessageKind::Receipt).into()),
    };
    let completed = response.failed.is_none();
    let of_output = completed.then(|| session.salt(response.n, 0));
    let salts = std::iter::once(of_output).chain(inputs.iter().map(|input| Some(input.salt)));
    let ciphertext_salts = inputs.iter().map(|input| input.ciphertext.as_ref().map(|(salt, _)| *salt));
    let evidence = session.evidence();
    let bundle = ReceiptBundle {
        document: evidence.document.clone(),
        claims: evidence.claims_bytes.clone(),
        receipt: signed,
        salts: salts.collect(),
        ciphertext_salts: ciphertext_salts.collect(),
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
    check_commitments(&bundle, &receipt, completed.then_some(&response.body), inputs)?;
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

/// Compares the output and all inputs with the commitments of the receipt.
fn check_commitments(
    bundle: &ReceiptBundle,
    receipt: &Receipt,
    output: Option<&Zeroizing<Vec<u8>>>,
    inputs: &[CommittedInput],
) -> Result<(), CoreError> {
    let same = receipt.inputs.len() == inputs.len()
        && inputs.iter().zip(&receipt.inputs).all(|(input, receipt)| input.is_in(receipt));
    if !same {
        return Err(CoreError::Mismatch(MessageKind::Receipt));
    }
    bundle.check_data(receipt, &[output.map(|output| output.as_slice())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_receipt_commits_to_the_output_and_to_each_input_in_its_form() {
        let [output_salt, input_salt, file_salt] = [0, 1, 2].map(|byte| Salt::new([byte; 32]));
        let file = sample::encrypted_file(b"y", 1);
        let parsed = Ciphertext::parse(&file).unwrap();
        let of_file = Some(Commitment::to_ciphertext(&file_salt, &parsed.header.kid, &parsed.digest()));
        let checked = |output: &[u8], inputs: &[&[u8]], ciphertext| {
            let inputs = Inputs::recognised(inputs);
            let committed = |input| CommittedInput::with_salts(input_salt, || file_salt, input).unwrap();
            let committed: Vec<_> = inputs.iter().map(committed).collect();
            let salts = vec![Some(output_salt), Some(input_salt)];
            let (document, claims, signed) = (vec![], vec![], vec![]);
            let bundle = ReceiptBundle { document, claims, receipt: signed, salts, ciphertext_salts: vec![] };
            let data = Commitment::to(&input_salt, b"y");
            let of_output = Commitment::to(&output_salt, b"z");
            let receipt = sample::receipt(vec![InputCommitments { data, ciphertext }], Some(of_output));
            check_commitments(&bundle, &receipt, Some(&Zeroizing::new(output.to_vec())), &committed)
        };
        let other = sample::encrypted_file(b"y", 2);
        assert_eq!(checked(b"z", &[b"y"], None), Ok(()));
        assert_eq!(checked(b"z", &[&file], of_file), Ok(()));
        let mismatch = Err(CoreError::Mismatch(MessageKind::Receipt));
        assert_eq!(checked(b"other", &[b"y"], None), mismatch);
        assert_eq!(checked(b"z", &[b"other"], None), mismatch);
        // A plaintext input has no second commitment, an encrypted one has that of this file.
        assert_eq!(checked(b"z", &[b"y"], of_file), mismatch);
        assert_eq!(checked(b"z", &[&file], None), mismatch);
        assert_eq!(checked(b"z", &[&other], of_file), mismatch);
        assert_eq!(checked(b"z", &[], None), mismatch);
        assert_eq!(checked(b"z", &[b"y", b""], None), mismatch);
    }
}
