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
use crate::home::catalogue::{Catalogue, Made};
use crate::policy;
use crate::random;
use crate::session::{RequestSpec, Session};
use crate::statements;
use crate::values::{Hex, Owner};
use crate::vault_key::{VaultKey, is_configured};
use enclave_core::Error as CoreError;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::claims::MAX_CLAIMS;
use enclave_core::config::Arn;
use enclave_core::digest;
use enclave_core::document::MAX_DOCUMENT;
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::object::Kind;
use enclave_core::vault::{self, Statement, VAULT_OWNER, VaultClaims, VaultRecord};
use enclave_core::verify::{self, Expected, Freshness};

/// The lock that prevents two processes from making vault keys at the same time.
const LOCK: &str = "vault.lock";

/// A vault key that the enclave has attested and the owner has not yet countersigned.
struct Offered {
    document: Vec<u8>,
    claims_bytes: Vec<u8>,
    claims: VaultClaims,
    attested: u64,
}

/// What an [`Offered`] key must contain.
struct Wanted {
    epoch: u64,
    nonce: [u8; 32],
    kid: Option<[u8; 32]>,
    previous: Option<[u8; 32]>,
}

/// Makes a vault key, or completes one whose creation was interrupted.
///
/// If `next` is set, a further key is made and the present one is kept.
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
    policy::accept(&key.exceptions(), accept)?;
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

    let wanted = Wanted { epoch, nonce: random::bytes()?, kid: None, previous };
    let mut params = Writer::new();
    params.map(6).uint(1).uint(epoch).uint(2).bytes(&wanted.nonce).uint(3);
    params.nullable(previous, |writer, kid| {
        writer.bytes(&kid);
    });
    key.write(&mut params, 4);
    let request =
        RequestSpec { verb: Verb::VaultCreate, params: params.finish(), key_shares: Halves::new(), body: None };
    let offered = offered(session, identity, request, &wanted)?;
    let attested = offered.claims.kms.as_ref();
    if !attested.is_some_and(|kms| kms.arn == key.arn && kms.policy == key.policy && kms.describe == key.key_metadata) {
        return Err(CoreError::PolicyChanged.into());
    }

    let kid = Hex(offered.claims.kid);
    home.update(|catalogue: &mut Catalogue| catalogue.sign_epoch(epoch, kid, &root))?;
    let arn = key.arn.clone();
    confirm(home, session, identity, &offered, arn)
}

/// Has the enclave attest the present vault key again, countersigns the document, and replaces the statement.
pub fn renew(home: &Home, session: &mut Session, identity: &Identity) -> Result<VaultKey, Error> {
    let _lock = home.lock(LOCK)?;
    if let Some(vault) = settle(home, session, identity)? {
        return Ok(vault);
    }
    let catalogue: Catalogue = home.load()?;
    let current = catalogue.current_epoch(&session.root_id()).ok_or(Error::NoVaultKey)?;
    let kid = current.kid.ok_or(Error::NoVaultKey)?;
    attest(home, session, identity, current.epoch, kid)
}

/// Decides about an epoch that was countersigned and not confirmed.
///
/// If the enclave can decrypt the key, the epoch is confirmed. If the key is not stored, the epoch is marked as burnt
/// and never used again. `None`: there was no such epoch, or it was burnt.
fn settle(home: &Home, session: &mut Session, identity: &Identity) -> Result<Option<VaultKey>, Error> {
    let root = session.root_id();
    let catalogue: Catalogue = home.load()?;
    let doubtful = catalogue.vault().iter().find(|epoch| epoch.root == root && epoch.state == Made::Signed);
    let Some((epoch, kid)) = doubtful.and_then(|epoch| Some((epoch.epoch, epoch.kid?))) else { return Ok(None) };
    match attest(home, session, identity, epoch, kid) {
        Ok(vault) => Ok(Some(vault)),
        Err(Error::Answered(CoreError::NotFound | CoreError::CannotOpen | CoreError::Disagrees(_))) => {
            home.update(|catalogue: &mut Catalogue| {
                catalogue.mark_epoch(epoch, &root, Made::Burnt);
                Ok(None)
            })
        }
        Err(error) => Err(error),
    }
}

/// Sends vault-attest and vault-confirm for a key that is stored.
fn attest(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    epoch: u64,
    kid: Hex<32>,
) -> Result<VaultKey, Error> {
    let wanted = Wanted { epoch, nonce: random::bytes()?, kid: Some(kid.0), previous: None };
    let mut params = Writer::new();
    params.map(3).uint(1).bytes(&kid.0).uint(2).uint(epoch).uint(3).bytes(&wanted.nonce);
    let key_shares = key_shares_of(session, identity, &kid.0, epoch);
    let request = RequestSpec { verb: Verb::VaultAttest, params: params.finish(), key_shares, body: None };
    let offered = offered(session, identity, request, &wanted)?;
    let arn = offered.claims.kms.as_ref().map(|kms| kms.arn.clone()).ok_or(CoreError::Malformed(Part::Statement))?;
    confirm(home, session, identity, &offered, arn)
}

/// Requests the document of a vault key and verifies it.
///
/// It must come from a pinned image with this session's configuration, and it must match owner, epoch and nonce.
fn offered(
    session: &mut Session,
    identity: &Identity,
    request: RequestSpec<'_>,
    wanted: &Wanted,
) -> Result<Offered, Error> {
    let result = session.send_expect_ok(identity, request)?.result;
    let mut reader = Reader::new(&result, Part::Response)?;
    reader.map(2)?;
    reader.key(1)?;
    let document = reader.bytes(1, MAX_DOCUMENT)?;
    reader.key(2)?;
    let claims_bytes = reader.bytes(1, MAX_CLAIMS)?;
    reader.end()?;
    let claims = VaultClaims::parse(claims_bytes, session.regime())?;
    let now = clock::now();
    let freshness = Freshness::Nonce { nonce: wanted.nonce, now };
    let expected = Expected::new(session.root(), session.pins(), freshness, claims_bytes, &claims.configuration);
    let verified = verify::verify::<Crypto, verify::Vault>(document, &expected)?;
    let attested = verified.document().timestamp;
    claims.check_until(attested, now)?;
    if claims.owner != identity.owner() {
        return Err(CoreError::WrongOwner.into());
    }
    let same = claims.epoch == wanted.epoch
        && claims.previous == wanted.previous
        && wanted.kid.is_none_or(|kid| kid == claims.kid)
        && claims.configuration == session.evidence().claims.configuration;
    if !same {
        return Err(CoreError::WrongKey.into());
    }
    Ok(Offered { document: document.to_vec(), claims_bytes: claims_bytes.to_vec(), claims, attested })
}

/// Countersigns the key. The enclave then encrypts and stores it, reads it back and publishes its statement.
///
/// The catalogue must already record the epoch as signed.
fn confirm(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    offered: &Offered,
    arn: Arn,
) -> Result<VaultKey, Error> {
    let Offered { document, claims_bytes, claims, attested } = offered;
    let record = VaultRecord {
        owner: identity.owner(),
        epoch: claims.epoch,
        kid: claims.kid,
        document: digest::sha384(&[document]),
        claims: digest::sha384(&[claims_bytes]),
        arn: arn.clone(),
    };
    let record = identity.sign1(VAULT_OWNER, &[], &record.encode());
    let mut params = Writer::new();
    params.map(1).uint(1).item(&record);
    let key_shares = key_shares_of(session, identity, &claims.kid, claims.epoch);
    session.send_expect_ok(
        identity,
        RequestSpec { verb: Verb::VaultConfirm, params: params.finish(), key_shares, body: None },
    )?;

    let root = session.root_id();
    let statement = Statement::encode(document, claims_bytes, &record);
    let vault = VaultKey {
        owner: Owner(identity.owner()),
        epoch: claims.epoch,
        kid: claims.kid,
        key: claims.key,
        attested: *attested,
        until: claims.until,
        operator_key: is_configured(&claims.configuration, &arn),
        arn,
        policy: claims.kms.as_ref().and_then(|kms| kms.policy),
        key_metadata: claims.kms.as_ref().and_then(|kms| kms.describe),
        kms: claims.kms.clone(),
        root,
        development: session.development(),
    };
    home.update(|catalogue: &mut Catalogue| {
        catalogue.mark_epoch(claims.epoch, &root, Made::Confirmed);
        Ok(())
    })?;
    statements::observe(home, &vault, &statement)?;
    statements::keep(home, session.url(), &vault, &statement)?;
    Ok(vault)
}

/// The owner's key share for a vault key, as a request takes it.
fn key_shares_of(session: &Session, identity: &Identity, kid: &[u8; 32], epoch: u64) -> Halves {
    let id = vault::id(kid);
    Halves::from([(id, session.key_share(identity, Kind::VaultKey, &id, epoch))])
}
