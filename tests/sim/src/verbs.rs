//! What clients ask for, verb by verb: parameters, halves, and what they check of the answer.

use crate::client::{Answered, Ask, Person, Session};
use crate::crypto::Recorded;
use crate::run::Run;
use enclave_core::bundle::{self, Bundle, Manifest};
use enclave_core::cbor::{Reader, Writer};
use enclave_core::ciphertext::{self, CiphertextHeader};
use enclave_core::claims::{KmsState, Regime};
use enclave_core::config::Arn;
use enclave_core::message::Verb;
use enclave_core::parent::Kind;
use enclave_core::record::{FUNCTION, FunctionRecord};
use enclave_core::stream::seal_bytes;
use enclave_core::vault::{self, Statement, VAULT_OWNER, VaultClaims, VaultRecord};
use enclave_core::verify::{Expected, Freshness, Vault, verify};
use enclave_core::{Error, Part, digest};

/// How old a statement may be, in milliseconds: thirty days.
const MAX_AGE: u64 = 30 * 86_400_000;

/// A function, as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Whose it is.
    pub owner: [u8; 32],
    /// Its id.
    pub id: [u8; 16],
    /// Its version.
    pub version: u64,
    /// What it does.
    pub module: Vec<u8>,
    /// Its bundle's checksum.
    pub checksum: [u8; 32],
}

impl Function {
    /// The function of this module.
    pub fn new(owner: [u8; 32], id: [u8; 16], version: u64, module: Vec<u8>) -> Self {
        let checksum = bundle::checksum(&bundle_of(&module));
        Self { owner, id, version, module, checksum }
    }

    /// Its bundle.
    pub fn bundle(&self) -> Vec<u8> {
        bundle_of(&self.module)
    }

    /// Its owner's record, unsigned.
    pub fn record(&self, arn: &Arn, issued: u64) -> FunctionRecord {
        let (owner, id, version, checksum) = (self.owner, self.id, self.version, self.checksum);
        FunctionRecord { owner, id, version, checksum, issued, arn: arn.clone() }
    }
}

fn bundle_of(module: &[u8]) -> Vec<u8> {
    let manifest = Manifest {
        entry: "main.wasm",
        nonce: None,
        kind: capelet_abi::job::Kind::Command,
        handler: None,
        arguments: Vec::new(),
    };
    Bundle::build(&manifest, vec![("main.wasm", module)]).expect("a bundle")
}

/// ARN and the two digests, as the client judged them: those of its session's claims.
pub fn judged(writer: &mut Writer, first: u64, state: &KmsState) {
    let digest = |writer: &mut Writer, digest: [u8; 48]| {
        writer.bytes(&digest);
    };
    writer.uint(first).text(state.arn.text()).uint(first + 1).nullable(state.policy, digest);
    writer.uint(first + 2).nullable(state.describe, digest);
}

fn state(session: &Session) -> Result<&KmsState, Error> {
    session.claims.kms.as_ref().ok_or(Error::DevelopmentOnly)
}

/// deploy's request.
pub fn deploy_ask(run: &Run, person: &Person, state: &KmsState, function: &Function) -> Ask {
    let record = function.record(&state.arn, run.scheduler.now()).encode();
    let record = person.identity.sign1(FUNCTION, &[], &record);
    let mut writer = Writer::new();
    writer.map(7).uint(1).bytes(&function.id).uint(2).uint(function.version).uint(3).bytes(&function.checksum);
    judged(&mut writer, 4, state);
    writer.uint(7).item(&record);
    let half = person.half(run, 1, &function.id, function.version);
    Ask { body: Some(function.bundle()), ..Ask::of(writer.finish()).with(half) }
}

/// deploy.
pub fn deploy(run: &Run, session: &mut Session, person: &mut Person, function: &Function) -> Result<(), Error> {
    let ask = deploy_ask(run, person, state(session)?, function);
    session.ask(person, Verb::Deploy, ask)?.done().map(|_| ())
}

/// One input of a run.
#[derive(Clone)]
pub enum Input {
    /// As it is.
    Plain(Vec<u8>),
    /// An encrypted file, and the epoch of its key.
    Encrypted(Vec<u8>, u64),
}

/// run's request.
pub fn run_ask(run: &Run, person: &Person, function: &Function, inputs: &[Input]) -> Ask {
    let mut writer = Writer::new();
    writer.map(5).uint(1).bytes(&function.owner).uint(2).bytes(&function.id).uint(3).uint(function.version);
    writer.uint(4).bytes(&function.checksum).uint(5).array(inputs.len() as u64);
    let mut ask = Ask::default().with(person.half(run, 1, &function.id, function.version));
    let mut body = Vec::new();
    for input in inputs {
        match input {
            Input::Plain(bytes) => {
                writer.array(2).uint(0).uint(bytes.len() as u64);
                body.extend_from_slice(bytes);
            }
            Input::Encrypted(file, epoch) => {
                writer.array(3).uint(1).uint(file.len() as u64).uint(*epoch);
                body.extend_from_slice(file);
                // Her half of the vault key that the file names, as far as the file can be read.
                if let Ok(parts) = ciphertext::Ciphertext::parse(file) {
                    ask = ask.with(person.half(run, 2, &vault::id(&parts.header.kid), *epoch));
                }
            }
        }
    }
    Ask { params: writer.finish(), body: Some(body), ..ask }
}

/// run: the answer as it came. `Answered::done` says whether it is one of success.
pub fn run_function(
    run: &Run,
    session: &mut Session,
    person: &mut Person,
    function: &Function,
    inputs: &[Input],
) -> Result<Answered, Error> {
    let ask = run_ask(run, person, function, inputs);
    session.ask(person, Verb::Run, ask)
}

/// list: what the enclave says that the store says.
pub fn list(session: &mut Session, person: &mut Person, kind: Kind) -> Result<Vec<([u8; 16], u64)>, Error> {
    let mut writer = Writer::new();
    writer.map(1).uint(1).uint(kind as u64);
    let answered = session.ask(person, Verb::List, Ask::of(writer.finish()))?.done()?;
    let mut reader = Reader::new(&answered.body, Part::Response)?;
    let count = reader.any_array()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        reader.array(2)?;
        entries.push((reader.fixed()?, reader.uint()?));
    }
    reader.end()?;
    Ok(entries)
}

/// delete.
pub fn delete(session: &mut Session, person: &mut Person, kind: Kind, id: [u8; 16], version: u64) -> Result<(), Error> {
    let mut writer = Writer::new();
    writer.map(3).uint(1).uint(kind as u64).uint(2).bytes(&id).uint(3).uint(version);
    session.ask(person, Verb::Delete, Ask::of(writer.finish()))?.done().map(|_| ())
}

/// policy: the texts are those of the digests in the claims.
pub fn policy(session: &mut Session, person: &mut Person) -> Result<(), Error> {
    let answered = session.ask(person, Verb::Policy, Ask::of(enclave_core::message::empty()))?.done()?;
    let mut reader = Reader::new(&answered.response.result, Part::Response)?;
    reader.map(2)?;
    reader.key(1)?;
    let policy = reader.nullable(|reader| Ok(digest::sha384(&[reader.text(0, 65_536)?.as_bytes()])))?;
    reader.key(2)?;
    let describe = reader.nullable(|reader| Ok(digest::sha384(&[reader.bytes(0, 65_536)?])))?;
    reader.end()?;
    let state = state(session)?;
    if (policy, describe) == (state.policy, state.describe) { Ok(()) } else { Err(Error::PolicyChanged) }
}

/// A document and claims of a vault key, as vault-create and vault-attest give them; verified.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The document.
    pub document: Vec<u8>,
    /// The claims, as received.
    pub bytes: Vec<u8>,
    /// The claims.
    pub claims: VaultClaims,
}

fn offered(run: &Run, person: &Person, answered: &Answered, nonce: [u8; 32], epoch: u64) -> Result<Offered, Error> {
    let mut reader = Reader::new(&answered.response.result, Part::Response)?;
    reader.map(2)?;
    reader.key(1)?;
    let document = reader.bytes(1, 16_384)?.to_vec();
    reader.key(2)?;
    let bytes = reader.bytes(1, 20_000)?.to_vec();
    reader.end()?;
    let claims = VaultClaims::parse(&bytes, Regime::Development)?;
    let freshness = Freshness::Nonce { nonce, now: run.scheduler.now() };
    let world = &run.world;
    let expected = Expected::<Vault>::new(&world.trust, &world.pins, freshness, &bytes, &claims.configuration);
    let timestamp = verify::<Recorded, _>(&document, &expected)?.document().timestamp;
    claims.check_until(timestamp, run.scheduler.now())?;
    if claims.owner != person.owner || claims.epoch != epoch {
        return Err(Error::ClaimsMismatch);
    }
    Ok(Offered { document, bytes, claims })
}

/// vault-create.
pub fn vault_create(run: &Run, session: &mut Session, person: &mut Person, epoch: u64) -> Result<Offered, Error> {
    let nonce = person.prng.bytes();
    let mut writer = Writer::new();
    writer.map(6).uint(1).uint(epoch).uint(2).bytes(&nonce).uint(3).nullable(None::<u64>, |_, _| {});
    judged(&mut writer, 4, state(session)?);
    let answered = session.ask(person, Verb::VaultCreate, Ask::of(writer.finish()))?.done()?;
    offered(run, person, &answered, nonce, epoch)
}

/// vault-attest.
pub fn vault_attest(
    run: &Run,
    session: &mut Session,
    person: &mut Person,
    kid: &[u8; 32],
    epoch: u64,
) -> Result<Offered, Error> {
    let nonce = person.prng.bytes();
    let mut writer = Writer::new();
    writer.map(3).uint(1).bytes(kid).uint(2).uint(epoch).uint(3).bytes(&nonce);
    let ask = Ask::of(writer.finish()).with(person.half(run, 2, &vault::id(kid), epoch));
    let answered = session.ask(person, Verb::VaultAttest, ask)?.done()?;
    let offered = offered(run, person, &answered, nonce, epoch)?;
    if offered.claims.kid == *kid { Ok(offered) } else { Err(Error::WrongKey) }
}

/// Her word for a vault key, unsigned.
pub fn vault_record(person: &Person, offered: &Offered) -> Result<VaultRecord, Error> {
    Ok(VaultRecord {
        owner: person.owner,
        epoch: offered.claims.epoch,
        kid: offered.claims.kid,
        document: digest::sha384(&[&offered.document]),
        claims: digest::sha384(&[&offered.bytes]),
        arn: offered.claims.kms.as_ref().ok_or(Error::DevelopmentOnly)?.arn.clone(),
    })
}

/// vault-confirm.
pub fn vault_confirm(run: &Run, session: &mut Session, person: &mut Person, offered: &Offered) -> Result<(), Error> {
    let record = person.identity.sign1(VAULT_OWNER, &[], &vault_record(person, offered)?.encode());
    let mut writer = Writer::new();
    writer.map(1).uint(1).item(&record);
    let id = vault::id(&offered.claims.kid);
    let ask = Ask::of(writer.finish()).with(person.half(run, 2, &id, offered.claims.epoch));
    session.ask(person, Verb::VaultConfirm, ask)?.done().map(|_| ())
}

/// statement: the bytes that the store holds.
pub fn statement(
    session: &mut Session,
    person: &mut Person,
    owner: &[u8; 32],
    kid: Option<[u8; 32]>,
) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new();
    writer.map(2).uint(1).bytes(owner).uint(2).nullable(kid, |writer, kid| {
        writer.bytes(&kid);
    });
    let answered = session.ask(person, Verb::Statement, Ask::of(writer.finish()))?.done()?;
    let mut reader = Reader::new(&answered.response.result, Part::Response)?;
    reader.map(1)?;
    reader.key(1)?;
    let statement = reader.bytes(0, 65_536)?.to_vec();
    reader.end()?;
    Ok(statement)
}

/// Judges a statement of `owner`'s, of whom the highest epoch and its kid are remembered.
pub fn judge_statement(
    run: &Run,
    statement: &[u8],
    owner: &[u8; 32],
    known: Option<(u64, [u8; 32])>,
) -> Result<VaultClaims, Error> {
    let now = run.scheduler.now();
    let statement = Statement::parse(statement, Regime::Development)?;
    if statement.claims.owner != *owner {
        return Err(Error::WrongOwner);
    }
    let (world, claims) = (&run.world, &statement.claims);
    let freshness = Freshness::Stored { at: now, max_age: MAX_AGE };
    let (bytes, configuration) = (statement.claims_bytes, &claims.configuration);
    let expected = Expected::<Vault>::new(&world.trust, &world.pins, freshness, bytes, configuration);
    let timestamp = verify::<Recorded, _>(statement.document, &expected)?.document().timestamp;
    claims.check_until(timestamp, now)?;
    match known {
        // An older key than one has seen; another key of the same number.
        Some((epoch, _)) if claims.epoch < epoch => Err(Error::Disagrees(Part::Statement)),
        Some((epoch, kid)) if claims.epoch == epoch && claims.kid != kid => Err(Error::WrongKey),
        _ => Ok(statement.claims),
    }
}

/// Encrypts to a judged statement's key.
pub fn encrypt(
    prng: &mut crate::prng::Prng,
    claims: &VaultClaims,
    checksums: Option<Vec<[u8; 32]>>,
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    let header = CiphertextHeader { owner: claims.owner, kid: claims.kid, checksums };
    let begun = ciphertext::begin(&header, &claims.key, &prng.bytes())?;
    let mut file = begun.prefix;
    file.extend(seal_bytes::<Recorded>(begun.secret, &begun.aad, data)?);
    Ok(file)
}
