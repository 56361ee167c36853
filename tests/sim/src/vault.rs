//! Vault keys, as owners and senders use them: create, attest, confirm, fetch a statement, verify it, encrypt to it.

use crate::client::Session;
use crate::crypto::Recorded;
use crate::person::Person;
use crate::prng::Prng;
use crate::request::RequestSpec;
use crate::run::Run;
use crate::verbs::{accepted_key, vault_key};
use enclave_core::attestation::{Expected, Freshness, TrustMode, VaultClaims, VaultPurpose, verify};
use enclave_core::crypto::{seal_bytes, sha384};
use enclave_core::identity::{VAULT_RECORD, VaultRecord};
use enclave_core::messages::{
    StatementParams, StatementResult, VaultAttestParams, VaultConfirmParams, VaultCreateParams, VaultOffer,
};
use enclave_core::objects::{CiphertextHeader, Statement, begin_encryption};
use enclave_core::{Checksum, Error, Kid, MessageKind, Nonce, OwnerKey, Pcr, UnixMillis};

/// How old a statement may be, in milliseconds: thirty days.
const MAX_STATEMENT_AGE: u64 = 30 * 86_400_000;

/// The offer of a vault key, verified by its owner.
#[derive(Clone, Debug)]
pub struct VerifiedOffer {
    /// The document and the claims, as received.
    pub offer: VaultOffer,
    /// The claims.
    pub claims: VaultClaims,
}

/// The result of vault-create or vault-attest, verified.
fn verify_offer(run: &Run, person: &Person, result: &[u8], nonce: Nonce, epoch: u64) -> Result<VerifiedOffer, Error> {
    let offer = VaultOffer::parse(result)?;
    let now = run.scheduler.now();
    let claims = verify_claims(run, &offer.document, &offer.claims, Freshness::Nonce { nonce, now }, now)?;
    if claims.owner != person.owner || claims.epoch != epoch {
        return Err(Error::ClaimsMismatch);
    }
    Ok(VerifiedOffer { offer, claims })
}

fn verify_claims(
    run: &Run,
    document: &[u8],
    bytes: &[u8],
    freshness: Freshness,
    now: UnixMillis,
) -> Result<VaultClaims, Error> {
    let claims = VaultClaims::parse(bytes, TrustMode::Development)?;
    let (world, configuration) = (&run.world, &claims.configuration);
    let expected = Expected::<VaultPurpose>::new(&world.pinned_root, &world.pins, freshness, bytes, configuration);
    let timestamp = verify::<Recorded, _>(document, &expected)?.facts().timestamp;
    claims.check_until(timestamp, now)?;
    // One image, because nothing hands a key over.
    if claims.images == [Pcr::new(world.measured.pcr0)] { Ok(claims) } else { Err(Error::WrongImage) }
}

/// vault-create.
///
/// # Errors
/// Those of [`Session::send_expect_ok`] and of the verification.
pub fn create(run: &Run, session: &mut Session, person: &mut Person, epoch: u64) -> Result<VerifiedOffer, Error> {
    let nonce = Nonce::new(person.prng.bytes());
    let params = VaultCreateParams { epoch, nonce, previous: None, key: accepted_key(session)? };
    let received = session.send_expect_ok(person, RequestSpec::new(&params))?;
    verify_offer(run, person, &received.response.result, nonce, epoch)
}

/// vault-attest.
///
/// # Errors
/// Those of [`Session::send_expect_ok`] and of the verification; [`Error::WrongKey`] for another key.
pub fn attest(
    run: &Run,
    session: &mut Session,
    person: &mut Person,
    kid: Kid,
    epoch: u64,
) -> Result<VerifiedOffer, Error> {
    let nonce = Nonce::new(person.prng.bytes());
    let key = vault_key(person.owner, &kid, epoch);
    let spec = RequestSpec::new(&VaultAttestParams { kid, epoch, nonce, previous: None })
        .with_key_share(key, person.key_share(run, &key));
    let received = session.send_expect_ok(person, spec)?;
    let verified = verify_offer(run, person, &received.response.result, nonce, epoch)?;
    if verified.claims.kid == kid { Ok(verified) } else { Err(Error::WrongKey) }
}

/// The owner's record of an offered key, not signed.
///
/// # Errors
/// [`Error::DevelopmentOnly`] if the claims name no KMS key.
pub fn record(run: &Run, person: &Person, verified: &VerifiedOffer) -> Result<VaultRecord, Error> {
    let VerifiedOffer { offer, claims } = verified;
    Ok(VaultRecord {
        owner: person.owner,
        epoch: claims.epoch,
        kid: claims.kid,
        document: sha384(&[&offer.document]),
        claims: sha384(&[&offer.claims]),
        arn: claims.kms.as_ref().ok_or(Error::DevelopmentOnly)?.arn.clone(),
        image: Pcr::new(run.world.measured.pcr0),
    })
}

/// vault-confirm's request, with this signed record.
pub fn confirm_spec(run: &Run, person: &Person, kid: Kid, epoch: u64, record: Vec<u8>) -> RequestSpec {
    let key = vault_key(person.owner, &kid, epoch);
    RequestSpec::new(&VaultConfirmParams { record }).with_key_share(key, person.key_share(run, &key))
}

/// vault-confirm.
///
/// # Errors
/// Those of [`record`] and [`Session::send_expect_ok`].
pub fn confirm(run: &Run, session: &mut Session, person: &mut Person, verified: &VerifiedOffer) -> Result<(), Error> {
    let record = person.identity.sign1(VAULT_RECORD, &[], &record(run, person, verified)?.encode());
    let spec = confirm_spec(run, person, verified.claims.kid, verified.claims.epoch, record);
    session.send_expect_ok(person, spec).map(|_| ())
}

/// Creates and confirms a vault key, and gives its claims.
///
/// # Errors
/// Those of [`create`] and [`confirm`].
pub fn make(run: &Run, session: &mut Session, person: &mut Person, epoch: u64) -> Result<VaultClaims, Error> {
    let verified = create(run, session, person, epoch)?;
    confirm(run, session, person, &verified)?;
    Ok(verified.claims)
}

/// statement: the bytes of a statement, as the store has them.
///
/// # Errors
/// Those of [`Session::send_expect_ok`] and [`StatementResult::parse`].
pub fn statement(
    session: &mut Session,
    person: &mut Person,
    owner: OwnerKey,
    kid: Option<Kid>,
) -> Result<Vec<u8>, Error> {
    let received = session.send_expect_ok(person, RequestSpec::new(&StatementParams { owner, kid }))?;
    Ok(StatementResult::parse(&received.response.result)?.statement)
}

/// Verifies a statement of `owner` and gives its claims. `known` is the newest epoch that the sender has seen, and the
/// name of its key.
///
/// # Errors
/// [`Error::WrongOwner`]; [`Error::Mismatch`] of [`MessageKind::Statement`] for an older key; [`Error::WrongKey`] for
/// another key of the known epoch; those of [`Statement::parse`] and of the verification.
pub fn verify_statement(
    run: &Run,
    statement: &[u8],
    owner: OwnerKey,
    known: Option<(u64, Kid)>,
) -> Result<VaultClaims, Error> {
    let now = run.scheduler.now();
    let statement = Statement::parse(statement, TrustMode::Development)?;
    if statement.claims.owner != owner {
        return Err(Error::WrongOwner);
    }
    let freshness = Freshness::Stored { at: now, max_age: MAX_STATEMENT_AGE };
    let claims = verify_claims(run, statement.document, statement.claims_bytes, freshness, now)?;
    match known {
        Some((epoch, _)) if claims.epoch < epoch => Err(Error::Mismatch(MessageKind::Statement)),
        Some((epoch, kid)) if claims.epoch == epoch && claims.kid != kid => Err(Error::WrongKey),
        _ => Ok(claims),
    }
}

/// Encrypts a file to the key of a verified statement.
///
/// # Errors
/// Those of [`begin_encryption`].
pub fn encrypt(
    prng: &mut Prng,
    claims: &VaultClaims,
    checksums: Option<Vec<Checksum>>,
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    let header = CiphertextHeader { owner: claims.owner, kid: claims.kid, checksums };
    let encryption = begin_encryption(&header, &claims.key, &prng.bytes())?;
    let mut file = encryption.prefix;
    file.extend(seal_bytes::<Recorded>(encryption.secret, &encryption.aad, data)?);
    Ok(file)
}
