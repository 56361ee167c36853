//! Vault statements: fetched from the store, compared with earlier ones, kept, and verified anew at each use.
//!
//! The store is not trusted. A statement carries its own proof.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::home::seen::Seen;
use crate::home::statements::Fetched;
use crate::home::trust::{Trust, TrustEntry};
use crate::policy;
use crate::session::{self, RequestSpec, Session};
use crate::url::Url;
use crate::values::{Base64, Hex, Owner};
use crate::vault_key::{VaultKey, is_configured};
use enclave_core::Error as CoreError;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::vault::{MAX_STATEMENT, Statement};
use enclave_core::verify::{self as verifier, Expected, Freshness};

/// The default limit for the age of a statement's document, in milliseconds: 30 days.
pub const MAX_AGE: u64 = 30 * 86_400_000;
/// The age at which an owner should renew a statement, in milliseconds: 20 days.
pub const RENEWAL: u64 = 20 * 86_400_000;

/// Verifies countersignature, document and times of a statement of `owner`.
///
/// `entry` is the trust entry of today. A statement does not say what its KMS key was like when it was fetched, so that
/// the result has `None` as `policy` and `key_metadata`.
///
/// # Errors
///
/// [`Error::KeyEnded`] if the vault key has ended; [`Error::Local`] if anything in the statement is invalid.
pub fn verify(entry: &TrustEntry, bytes: &[u8], owner: &Owner, now: u64, max_age: u64) -> Result<VaultKey, Error> {
    let (root, pins) = (entry.root()?, entry.pins()?);
    let statement = Statement::parse(bytes, session::regime(&root))?;
    let claims = &statement.claims;
    if claims.owner != owner.0 {
        return Err(CoreError::WrongOwner.into());
    }
    let freshness = Freshness::Stored { at: now, max_age };
    let expected = Expected::new(&root, &pins, freshness, statement.claims_bytes, &claims.configuration);
    let verified = verifier::verify::<Crypto, verifier::Vault>(statement.document, &expected)?;
    let attested = verified.document().timestamp;
    claims.check_until(attested, now).map_err(|error| match error {
        CoreError::Expired { time, .. } => Error::KeyEnded(time),
        error => error.into(),
    })?;
    Ok(VaultKey {
        owner: *owner,
        epoch: claims.epoch,
        kid: claims.kid,
        key: claims.key,
        attested,
        until: claims.until,
        arn: statement.record.arn.clone(),
        operator_key: is_configured(&claims.configuration, &statement.record.arn),
        kms: claims.kms.clone(),
        policy: None,
        key_metadata: None,
        root: Hex(root.sha256()),
        development: root.is_development(),
    })
}

/// Fetches the newest statement of `owner` that the store returns.
///
/// It is verified and compared with what was seen before. Statement and texts of the KMS key are kept for offline use.
pub fn fetch(home: &Home, url: &Url, identity: &Identity, owner: &Owner, max_age: u64) -> Result<VaultKey, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let mut session = Session::connect(url, entry)?;
    let mut params = Writer::new();
    params.map(2).uint(1).bytes(&owner.0).uint(2).null();
    let request = RequestSpec { verb: Verb::Statement, params: params.finish(), key_shares: Halves::new(), body: None };
    let result = session.send_expect_ok(identity, request)?.result;
    let statement = parse(&result)?;
    let vault = verify(entry, statement, owner, clock::now(), max_age)?;
    observe(home, &vault, statement)?;
    let key = policy::read(home, &mut session, identity, Some(&vault.arn))?;
    let vault = VaultKey { policy: key.policy, key_metadata: key.key_metadata, ..vault };
    keep(home, url, &vault, statement)?;
    Ok(vault)
}

/// The vault key of `owner` from the statement that was last fetched from `url`. Works offline. `None`: none was
/// fetched yet.
pub fn load(home: &Home, url: &Url, owner: &Owner, max_age: u64) -> Result<Option<VaultKey>, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let Some(fetched) = home.statement(owner, &url.to_string())? else { return Ok(None) };
    let statement = &fetched.statement.0;
    let vault = verify(entry, statement, owner, clock::now(), max_age)?;
    observe(home, &vault, statement)?;
    let digest = |digest: Option<Hex<48>>| digest.map(|digest| digest.0);
    Ok(Some(VaultKey { policy: digest(fetched.policy), key_metadata: digest(fetched.key_metadata), ..vault }))
}

/// Keeps a verified statement.
pub fn keep(home: &Home, url: &Url, vault: &VaultKey, statement: &[u8]) -> Result<(), Error> {
    let (url, statement) = (url.to_string(), Base64(statement.to_vec()));
    let (policy, key_metadata) = (vault.policy.map(Hex), vault.key_metadata.map(Hex));
    home.keep_statement(&vault.owner, &Fetched { url, time: clock::now(), statement, policy, key_metadata })
}

/// Compares the vault key with the highest epoch seen of its owner. If two keys have one epoch, this statement is kept
/// as evidence.
pub fn observe(home: &Home, vault: &VaultKey, statement: &[u8]) -> Result<(), Error> {
    let (owner, root, kid) = (vault.owner, vault.root, Hex(vault.kid));
    let verdict = home.update(|seen: &mut Seen| Ok(seen.observe(owner, root, vault.epoch, kid)))?;
    if let Err(Error::Equivocation(_)) = verdict {
        home.keep("statements", &format!("{owner}-{}-{kid}.conflict", vault.epoch), statement)?;
    }
    verdict
}

/// Parses the result of `statement`: {1: statement}.
fn parse(result: &[u8]) -> Result<&[u8], CoreError> {
    let mut reader = Reader::new(result, Part::Response)?;
    reader.map(1)?;
    reader.key(1)?;
    let statement = reader.bytes(1, MAX_STATEMENT)?;
    reader.end()?;
    Ok(statement)
}
