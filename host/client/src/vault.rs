//! Makes and renews vault keys.
//!
//! The enclave makes a vault key and attests it. The client verifies and countersigns it. Only then does the enclave
//! encrypt and store it.
//!
//! The catalogue records each step before it is taken. The client never countersigns two keys for one epoch. After an
//! interruption, only the enclave can tell whether the key is stored: it decrypts it with the owner's key share.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::home::catalogue::{Catalogue, EpochState};
use crate::policy;
use crate::random;
use crate::session::{RequestSpec, Session};
use crate::statements;
use crate::vault_key::{VaultKey, is_configured};
use enclave_core::attestation::{Expected, Freshness, VaultClaims, VaultPurpose, verify};
use enclave_core::crypto::sha384;
use enclave_core::identity::{Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::Arn;
use enclave_core::messages::{KeyShares, VaultAttestParams, VaultConfirmParams, VaultCreateParams, VaultOffer};
use enclave_core::objects::{ObjectKind, encode_statement};
use enclave_core::{Error as CoreError, Kid, MessageKind, Nonce, UnixMillis};

/// The lock that prevents two processes from making vault keys at the same time.
const LOCK: &str = "vault.lock";

/// An offer whose document and claims were verified. The owner has not yet countersigned it.
struct VerifiedOffer {
    offer: VaultOffer,
    claims: VaultClaims,
    attested: UnixMillis,
}

/// What an offer must contain. `kid` is `None` for a new key.
struct ExpectedOffer {
    epoch: u64,
    nonce: Nonce,
    kid: Option<Kid>,
    previous: Option<Kid>,
}

/// Makes a vault key, or completes one whose creation was interrupted.
///
/// If `next` is set, a further key is made and the present one is kept.
///
/// # Errors
/// [`Error::VaultKeyExists`] unless `next` is set; [`Error::NotAccepted`] for exceptions that are not accepted;
/// [`Error::Answered`] if the enclave refuses; [`Error::Local`] if what it attests is not what was requested; those of
/// [`policy::read`], [`Home::update`], [`Home::lock`] and [`Session::send`].
pub fn create(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    accept: Option<&str>,
    next: bool,
) -> Result<VaultKey, Error> {
    let _lock = home.lock(LOCK)?;
    let root = session.root_id();
    let key = policy::read(home, session, identity, None)?;
    policy::accept(&policy::owner_exceptions(&key), accept)?;
    if let Some(vault) = settle(home, session, identity)? {
        return Ok(vault);
    }
    let catalogue: Catalogue = home.load()?;
    let current = catalogue.current_epoch(&root);
    if let Some(current) = current.filter(|_| !next) {
        return Err(Error::VaultKeyExists(current.epoch));
    }
    let previous = current.and_then(|current| current.kid).map(|kid| kid.0);
    let (url, time) = (session.url().to_string(), clock::now());
    let epoch = home.update(|catalogue: &mut Catalogue| catalogue.begin_epoch(&url, &root, time))?;

    let nonce = Nonce::new(random::bytes()?);
    let params = VaultCreateParams { epoch, nonce, previous, key };
    let expected = ExpectedOffer { epoch, nonce, kid: None, previous };
    let verified = request_offer(session, identity, RequestSpec::new(&params), &expected)?;
    let key = params.key;
    if !verified.claims.kms.as_ref().is_some_and(|attested| key.matches(attested)) {
        return Err(CoreError::PolicyChanged.into());
    }

    let kid = verified.claims.kid;
    home.update(|catalogue: &mut Catalogue| catalogue.sign_epoch(epoch, kid, &root))?;
    confirm(home, session, identity, &verified, key.arn)
}

/// Has the enclave attest the present vault key again, countersigns the document, and replaces the statement.
///
/// # Errors
/// [`Error::NoVaultKey`] if the owner has no vault key under this root; otherwise as [`create`].
pub fn renew(home: &Home, session: &mut Session, identity: &Identity) -> Result<VaultKey, Error> {
    let _lock = home.lock(LOCK)?;
    if let Some(vault) = settle(home, session, identity)? {
        return Ok(vault);
    }
    let catalogue: Catalogue = home.load()?;
    let current = catalogue.current_epoch(&session.root_id()).ok_or(Error::NoVaultKey)?;
    let kid = current.kid.ok_or(Error::NoVaultKey)?.0;
    attest(home, session, identity, current.epoch, kid)
}

/// Decides about an epoch that was countersigned and not confirmed.
///
/// If the enclave can decrypt the key, the epoch is confirmed. If the key is not stored, the epoch is marked as burnt
/// and never used again. `None` if there was no such epoch, or if it was burnt.
fn settle(home: &Home, session: &mut Session, identity: &Identity) -> Result<Option<VaultKey>, Error> {
    let root = session.root_id();
    let catalogue: Catalogue = home.load()?;
    let doubtful = catalogue.vault().iter().find(|epoch| epoch.root.0 == root && epoch.state == EpochState::Signed);
    let Some((epoch, kid)) = doubtful.and_then(|epoch| Some((epoch.epoch, epoch.kid?.0))) else { return Ok(None) };
    match attest(home, session, identity, epoch, kid) {
        Ok(vault) => Ok(Some(vault)),
        Err(Error::Answered(CoreError::NotFound | CoreError::CannotOpen | CoreError::Mismatch(_))) => {
            home.update(|catalogue: &mut Catalogue| {
                catalogue.mark_epoch(epoch, &root, EpochState::Burnt);
                Ok(None)
            })
        }
        Err(error) => Err(error),
    }
}

/// Sends vault-attest and vault-confirm for a key that is stored.
fn attest(home: &Home, session: &mut Session, identity: &Identity, epoch: u64, kid: Kid) -> Result<VaultKey, Error> {
    let nonce = Nonce::new(random::bytes()?);
    let expected = ExpectedOffer { epoch, nonce, kid: Some(kid), previous: None };
    let key_shares = key_shares_of(session, identity, &kid, epoch);
    let request = RequestSpec::new(&VaultAttestParams { kid, epoch, nonce }).with_key_shares(key_shares);
    let verified = request_offer(session, identity, request, &expected)?;
    let attested = verified.claims.kms.as_ref().ok_or(CoreError::Malformed(MessageKind::Statement))?;
    let arn = attested.arn.clone();
    confirm(home, session, identity, &verified, arn)
}

/// Requests the document of a vault key and verifies it.
///
/// It must come from a pinned image with this session's configuration, and it must match owner, epoch and nonce.
fn request_offer(
    session: &mut Session,
    identity: &Identity,
    request: RequestSpec<'_>,
    expected: &ExpectedOffer,
) -> Result<VerifiedOffer, Error> {
    let offer = VaultOffer::parse(&session.send_expect_ok(identity, request)?.result)?;
    let claims = VaultClaims::parse(&offer.claims, session.trust_mode())?;
    let now = clock::now();
    let freshness = Freshness::Nonce { nonce: expected.nonce, now };
    let proof = Expected::new(session.root(), session.pins(), freshness, &offer.claims, &claims.configuration);
    let attested = verify::<Crypto, VaultPurpose>(&offer.document, &proof)?.facts().timestamp;
    claims.check_until(attested, now)?;
    if claims.owner != identity.owner() {
        return Err(CoreError::WrongOwner.into());
    }
    let same = claims.epoch == expected.epoch
        && claims.previous == expected.previous
        && expected.kid.is_none_or(|kid| kid == claims.kid)
        && claims.configuration == session.evidence().claims.configuration;
    if !same {
        return Err(CoreError::WrongKey.into());
    }
    Ok(VerifiedOffer { offer, claims, attested })
}

/// Countersigns the key. The enclave then encrypts and stores it, reads it back and publishes its statement.
///
/// The catalogue must already record the epoch as signed.
fn confirm(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    verified: &VerifiedOffer,
    arn: Arn,
) -> Result<VaultKey, Error> {
    let VerifiedOffer { offer, claims, attested } = verified;
    let record = VaultRecord {
        owner: identity.owner(),
        epoch: claims.epoch,
        kid: claims.kid,
        document: sha384(&[&offer.document]),
        claims: sha384(&[&offer.claims]),
        arn: arn.clone(),
    };
    let record = identity.sign1(VAULT_RECORD, &[], &record.encode());
    let statement = encode_statement(&offer.document, &offer.claims, &record);
    let key_shares = key_shares_of(session, identity, &claims.kid, claims.epoch);
    session.send_expect_ok(identity, RequestSpec::new(&VaultConfirmParams { record }).with_key_shares(key_shares))?;

    let root = session.root_id();
    let vault = VaultKey {
        owner: identity.owner(),
        epoch: claims.epoch,
        kid: claims.kid,
        key: claims.key.clone(),
        attested: *attested,
        until: claims.until,
        operator_key: is_configured(&claims.configuration, &arn),
        arn,
        policy: claims.kms.as_ref().and_then(|kms| kms.policy),
        key_metadata: claims.kms.as_ref().and_then(|kms| kms.metadata),
        kms: claims.kms.clone(),
        root,
        development: session.development(),
    };
    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark_epoch(claims.epoch, &root, EpochState::Confirmed);
        Ok(())
    })?;
    statements::observe(home, &vault, &statement)?;
    statements::keep(home, session.url(), &vault, &statement)?;
    Ok(vault)
}

/// The owner's key share for a vault key, as a request takes it.
fn key_shares_of(session: &Session, identity: &Identity, kid: &Kid, epoch: u64) -> KeyShares {
    let id = kid.object_id();
    KeyShares::from([(id, session.key_share(identity, ObjectKind::VaultKey, &id, epoch))])
}
