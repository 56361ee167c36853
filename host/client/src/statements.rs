//! Vault statements: fetched from the store, compared with earlier ones, kept, and verified anew at each use.
//!
//! The store is not trusted. A statement carries its own proof.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::home::seen::Seen;
use crate::home::statements::{Fetched, STATEMENTS};
use crate::home::trust::{Trust, TrustEntry};
use crate::policy::{self, KeyChoice};
use crate::root_id::RootId;
use crate::session::{RequestSpec, Session, trust_mode};
use crate::url::Url;
use crate::values::{Base64, Hex, OwnerText};
use crate::vault_key::{VaultKey, is_configured};
use enclave_core::attestation::{self, Expected, Freshness, VaultPurpose};
use enclave_core::identity::Identity;
use enclave_core::messages::{StatementParams, StatementResult};
use enclave_core::objects::Statement;
use enclave_core::{Error as CoreError, OwnerKey, UnixMillis};

/// The default limit for the age of a statement's document, in milliseconds: 30 days.
pub const MAX_AGE: u64 = 30 * 86_400_000;
/// The age at which an owner should renew a statement, in milliseconds: 20 days.
pub const RENEWAL: u64 = 20 * 86_400_000;

/// Verifies countersignature, document and times of a statement of `owner`.
///
/// `entry` is the trust entry of today. Every image that has held the key's seed must be pinned there and not revoked.
///
/// A statement does not say what its KMS key was like when it was fetched, so that the result has `None` as `policy` and
/// `key_metadata`.
///
/// # Errors
/// [`Error::KeyEnded`] if the vault key has ended; [`Error::StatementExpired`] if the document is older than `max_age`;
/// [`Error::Local`] if anything in the statement is invalid.
pub fn verify(
    entry: &TrustEntry,
    bytes: &[u8],
    owner: &OwnerKey,
    now: UnixMillis,
    max_age: u64,
) -> Result<VaultKey, Error> {
    let (root, pins) = (entry.root()?, entry.pins()?);
    let statement = Statement::parse(bytes, trust_mode(&root))?;
    let claims = &statement.claims;
    if claims.owner != *owner {
        return Err(CoreError::WrongOwner.into());
    }
    let freshness = Freshness::Stored { at: now, max_age };
    let expected = Expected::new(&root, &pins, freshness, statement.claims_bytes, &claims.configuration);
    let verified = attestation::verify::<Crypto, VaultPurpose>(statement.document, &expected);
    let verified = verified.map_err(|error| match error {
        // This machine's clock is not at fault: the owner has not renewed the statement.
        CoreError::Expired { time, now: at } if at == now => Error::StatementExpired { time, own: false },
        error => error.into(),
    })?;
    let facts = verified.facts();
    // The owner countersigned for the image that made this document.
    if facts.pcrs.get(&0) != Some(&statement.record.image) {
        return Err(CoreError::WrongImage.into());
    }
    claims.images.iter().try_for_each(|image| pins.check_image(image))?;
    let attested = facts.timestamp;
    claims.check_until(attested, now).map_err(|error| match error {
        CoreError::Expired { time, .. } => Error::KeyEnded(time),
        error => error.into(),
    })?;
    Ok(VaultKey {
        owner: *owner,
        epoch: claims.epoch,
        kid: claims.kid,
        key: claims.key.clone(),
        attested,
        until: claims.until,
        arn: statement.record.arn.clone(),
        operator_key: is_configured(&claims.configuration, &statement.record.arn),
        kms: claims.kms.clone(),
        policy: None,
        key_metadata: None,
        root: RootId::of(&root),
        development: root.is_development(),
    })
}

/// Fetches the newest statement of `owner` that the store returns.
///
/// It is verified and compared with what was seen before. Statement and texts of the KMS key are kept for offline use.
///
/// # Errors
/// [`Error::NoPins`] if the address is not pinned; [`Error::Answered`] if the store has no statement; those of
/// [`Session::connect`], [`Session::send`], [`verify()`], [`observe`], [`policy::read`] and [`keep`].
pub fn fetch(home: &Home, url: &Url, identity: &Identity, owner: &OwnerKey, max_age: u64) -> Result<VaultKey, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let mut session = Session::connect(url, entry)?;
    let request = RequestSpec::new(&StatementParams { owner: *owner, kid: None });
    let result = session.send_expect_ok(identity, request)?.result;
    let StatementResult { statement } = StatementResult::parse(&result)?;
    let vault = verify(entry, &statement, owner, clock::now(), max_age)?;
    observe(home, &vault, &statement)?;
    let key = policy::read(home, &mut session, identity, KeyChoice::OfVault(&vault))?;
    let vault = VaultKey { policy: key.policy, key_metadata: key.metadata, ..vault };
    keep(home, url, &vault, &statement)?;
    Ok(vault)
}

/// The vault key of `owner` from the statement that was last fetched from `url`. Works offline. `None` if none was
/// fetched yet.
///
/// # Errors
/// [`Error::NoPins`] if the address is not pinned; those of [`Home::load`], [`verify()`] and [`observe`].
pub fn load(home: &Home, url: &Url, owner: &OwnerKey, max_age: u64) -> Result<Option<VaultKey>, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let Some(fetched) = home.statement(owner, &url.to_string())? else { return Ok(None) };
    let statement = &fetched.statement.0;
    let vault = verify(entry, statement, owner, clock::now(), max_age)?;
    observe(home, &vault, statement)?;
    let digest = |digest: Option<Hex<[u8; 48]>>| digest.map(|digest| digest.0);
    Ok(Some(VaultKey { policy: digest(fetched.policy), key_metadata: digest(fetched.key_metadata), ..vault }))
}

/// Keeps a verified statement.
///
/// # Errors
/// As [`Home::keep_statement`].
pub fn keep(home: &Home, url: &Url, vault: &VaultKey, statement: &[u8]) -> Result<(), Error> {
    let (url, statement) = (url.to_string(), Base64(statement.to_vec()));
    let (policy, key_metadata) = (vault.policy.map(Hex), vault.key_metadata.map(Hex));
    home.keep_statement(&vault.owner, &Fetched { url, time: clock::now(), statement, policy, key_metadata })
}

/// Compares the vault key with the highest epoch seen of its owner. If two keys have one epoch, this statement is kept
/// as evidence.
///
/// # Errors
/// [`Error::RolledBack`] for a lower epoch; [`Error::Equivocation`] for a second key of one epoch; those of
/// [`Home::update`] and [`Home::keep`].
pub fn observe(home: &Home, vault: &VaultKey, statement: &[u8]) -> Result<(), Error> {
    let VaultKey { owner, root, epoch, kid, .. } = *vault;
    let mut seen: Seen = home.load()?;
    let before = seen.clone();
    let mut verdict = seen.observe(owner, root, epoch, kid);
    // What was seen before needs no lock and no write, so that it works in a folder that is read-only.
    if seen != before {
        verdict = home.update(|seen: &mut Seen| Ok(seen.observe(owner, root, epoch, kid)))?;
    }
    if let Err(Error::Equivocation(_)) = verdict {
        home.keep(STATEMENTS, &format!("{}-{epoch}-{}.conflict", OwnerText(owner), Hex(kid)), statement)?;
    }
    verdict
}
