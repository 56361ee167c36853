//! What clients ask for: deploy, run, list, delete, policy. The verbs of vault keys are in [`vault`](crate::vault).

use crate::client::Session;
use crate::person::Person;
use crate::request::{ReceivedResponse, RequestSpec};
use crate::run::Run;
use capelet_abi::EntryPoint;
use enclave_core::crypto::sha384;
use enclave_core::identity::{FUNCTION_RECORD, FunctionRecord};
use enclave_core::kms::{AcceptedKey, Arn, KmsKeyState};
use enclave_core::messages::{
    DeleteParams, DeployParams, ListParams, PolicyParams, PolicyTexts, RunInput, RunParams, parse_list,
};
use enclave_core::objects::{Bundle, Ciphertext, Manifest};
use enclave_core::parent::{ListEntry, StoreKey, StoreKind};
use enclave_core::{Checksum, Error, Kid, ObjectId, OwnerKey, Pcr, UnixMillis};

/// A function, as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its owner.
    pub owner: OwnerKey,
    /// Its id.
    pub id: ObjectId,
    /// Its version.
    pub version: u64,
    /// Its module. The simulation does not interpret it; see [`output_of`](crate::worker::output_of).
    pub module: Vec<u8>,
    /// The checksum of its bundle.
    pub checksum: Checksum,
}

impl Function {
    /// The function with this module.
    pub fn new(owner: OwnerKey, id: ObjectId, version: u64, module: Vec<u8>) -> Self {
        let checksum = Checksum::of(&bundle_of(&module));
        Self { owner, id, version, module, checksum }
    }

    /// Its bundle.
    pub fn bundle(&self) -> Vec<u8> {
        bundle_of(&self.module)
    }

    /// Its record for the world's image, not signed.
    pub fn record(&self, run: &Run, arn: &Arn, issued: UnixMillis) -> FunctionRecord {
        let (owner, id, version, checksum) = (self.owner, self.id, self.version, self.checksum);
        let image = Pcr::new(run.world.measured.pcr0);
        FunctionRecord { owner, id, version, checksum, issued, arn: arn.clone(), image }
    }

    /// Where it is stored.
    pub fn key(&self) -> StoreKey {
        StoreKey { kind: StoreKind::Function, owner: self.owner, id: self.id, version: self.version }
    }

    /// Its entry in its owner's list.
    pub fn entry(&self) -> ListEntry {
        ListEntry { id: self.id, version: self.version }
    }
}

fn bundle_of(module: &[u8]) -> Vec<u8> {
    let manifest = Manifest {
        entry: "main.wasm",
        nonce: None,
        entry_point: EntryPoint::Command,
        handler: None,
        arguments: Vec::new(),
    };
    Bundle::build(&manifest, vec![("main.wasm", module)]).expect("a valid bundle")
}

/// Where a vault key is stored.
pub fn vault_key(owner: OwnerKey, kid: &Kid, epoch: u64) -> StoreKey {
    StoreKey { kind: StoreKind::VaultKey, owner, id: kid.object_id(), version: epoch }
}

/// The state of the KMS key in a session's claims.
///
/// # Errors
/// [`Error::DevelopmentOnly`] if the enclave has no KMS key.
pub fn kms_state(session: &Session) -> Result<&KmsKeyState, Error> {
    session.claims.kms.as_ref().ok_or(Error::DevelopmentOnly)
}

/// The KMS key that a client accepts: the one in its session's claims.
///
/// # Errors
/// As [`kms_state`].
pub fn accepted_key(session: &Session) -> Result<AcceptedKey, Error> {
    Ok(kms_state(session)?.into())
}

/// deploy's parameters, with a record that `person` signs now.
pub fn deploy_params(run: &Run, person: &Person, key: &AcceptedKey, function: &Function) -> DeployParams {
    let record = function.record(run, &key.arn, run.scheduler.now()).encode();
    let record = person.identity.sign1(FUNCTION_RECORD, &[], &record);
    let (id, version, checksum) = (function.id, function.version, function.checksum);
    DeployParams { id, version, checksum, key: key.clone(), record }
}

/// deploy's request.
pub fn deploy_spec(run: &Run, person: &Person, key: &AcceptedKey, function: &Function) -> RequestSpec {
    RequestSpec::new(&deploy_params(run, person, key, function))
        .with_key_share(function.key(), person.key_share(run, &function.key()))
        .with_body(function.bundle())
}

/// deploy.
///
/// # Errors
/// Those of [`Session::send_expect_ok`].
pub fn deploy(run: &Run, session: &mut Session, person: &mut Person, function: &Function) -> Result<(), Error> {
    let spec = deploy_spec(run, person, &accepted_key(session)?, function);
    session.send_expect_ok(person, spec).map(|_| ())
}

/// One input of a run.
#[derive(Clone)]
pub enum Input {
    /// Plaintext.
    Plain(Vec<u8>),
    /// An encrypted file, and the epoch of its vault key.
    Encrypted(Vec<u8>, u64),
}

impl Input {
    /// The encrypted file; `None` for plaintext.
    pub fn file(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Encrypted(file, _) => Some(file),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) | Self::Encrypted(bytes, _) => bytes,
        }
    }
}

/// run's parameters.
pub fn run_params(function: &Function, inputs: &[Input]) -> RunParams {
    let input = |input: &Input| {
        let epoch = match input {
            Input::Plain(_) => None,
            Input::Encrypted(_, epoch) => Some(*epoch),
        };
        RunInput { length: input.bytes().len() as u64, epoch }
    };
    let (owner, id, version, checksum) = (function.owner, function.id, function.version, function.checksum);
    RunParams { owner, id, version, checksum, inputs: inputs.iter().map(input).collect() }
}

/// run's request, with the key shares of `person` for the function and for the vault keys that the files name.
pub fn run_spec(run: &Run, person: &Person, function: &Function, inputs: &[Input]) -> RequestSpec {
    let share = person.key_share(run, &function.key());
    let mut spec = RequestSpec::new(&run_params(function, inputs)).with_key_share(function.key(), share);
    for input in inputs {
        // A damaged file may name no vault key.
        if let Input::Encrypted(file, epoch) = input
            && let Ok(file) = Ciphertext::parse(file)
        {
            let key = vault_key(file.header.owner, &file.header.kid, *epoch);
            spec = spec.with_key_share(key, person.key_share(run, &key));
        }
    }
    spec.with_body(inputs.iter().flat_map(Input::bytes).copied().collect())
}

/// run. It gives every response, because a run that failed may have a receipt.
///
/// # Errors
/// Those of [`Session::send`].
pub fn run_function(
    run: &Run,
    session: &mut Session,
    person: &mut Person,
    function: &Function,
    inputs: &[Input],
) -> Result<ReceivedResponse, Error> {
    let spec = run_spec(run, person, function, inputs);
    session.send(person, spec)
}

/// list: the entries of the store, as the enclave passes them on.
///
/// # Errors
/// Those of [`Session::send_expect_ok`] and [`parse_list`].
pub fn list(session: &mut Session, person: &mut Person, kind: StoreKind) -> Result<Vec<ListEntry>, Error> {
    parse_list(&session.send_expect_ok(person, RequestSpec::new(&ListParams { kind }))?.body)
}

/// delete.
///
/// # Errors
/// Those of [`Session::send_expect_ok`].
pub fn delete(session: &mut Session, person: &mut Person, kind: StoreKind, entry: ListEntry) -> Result<(), Error> {
    let params = DeleteParams { kind, id: entry.id, version: entry.version };
    session.send_expect_ok(person, RequestSpec::new(&params)).map(|_| ())
}

/// policy. The texts must have the digests that the claims contain.
///
/// # Errors
/// Those of [`Session::send_expect_ok`] and [`PolicyTexts::parse`]; [`Error::PolicyChanged`].
pub fn policy(session: &mut Session, person: &mut Person) -> Result<(), Error> {
    let received = session.send_expect_ok(person, RequestSpec::new(&PolicyParams::Configured))?;
    let PolicyTexts { policy, metadata } = PolicyTexts::parse(&received.body)?;
    let policy = policy.map(|text| sha384(&[text.as_bytes()]));
    let metadata = metadata.map(|metadata| sha384(&[&metadata]));
    let state = kms_state(session)?;
    if (policy, metadata) == (state.policy, state.metadata) { Ok(()) } else { Err(Error::PolicyChanged) }
}
