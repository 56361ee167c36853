//! Vault statements: fetched from the store, which is believed nothing, and verified anew at every use.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::Home;
use crate::home::seen::Seen;
use crate::home::statements::Fetched;
use crate::home::trust::{Trust, TrustEntry};
use crate::policy;
use crate::session::{self, Ask, Session};
use crate::url::Url;
use crate::values::{Base64, Hex, Owner};
use enclave_core::Error as CoreError;
use enclave_core::cbor::{Reader, Writer};
use enclave_core::claims::KmsState;
use enclave_core::config::{Arn, Configuration};
use enclave_core::error::Part;
use enclave_core::identity::Identity;
use enclave_core::message::{Halves, Verb};
use enclave_core::seal::PUBLIC_LEN;
use enclave_core::vault::{MAX_STATEMENT, Statement};
use enclave_core::verify::{self, Expected, Freshness};

/// How old a statement's document may be unless its user says otherwise, in milliseconds: 30 days.
pub const MAX_AGE: u64 = 30 * 86_400_000;
/// From which age on an owner should renew, in milliseconds: 20 days.
pub const RENEWAL: u64 = 20 * 86_400_000;

/// A vault key whose statement was verified just now.
#[derive(Clone, Debug)]
pub struct Vault {
    /// Whose it is.
    pub owner: Owner,
    /// Its number among its owner's.
    pub epoch: u64,
    /// Its name.
    pub kid: [u8; 32],
    /// The key.
    pub key: [u8; PUBLIC_LEN],
    /// When it was attested (milliseconds since 1970).
    pub attested: u64,
    /// Until when it may be used (milliseconds since 1970).
    pub until: u64,
    /// The KMS key under which it is stored.
    pub arn: Arn,
    /// Whether that is the configuration's key: the operator's, and not one that the owner brought.
    pub operator_key: bool,
    /// What the enclave read of that key when it attested the vault key.
    pub kms: Option<KmsState>,
    /// The same of the key's policy when the statement was last fetched.
    pub policy: Option<[u8; 48]>,
    /// And of its facts.
    pub facts: Option<[u8; 48]>,
    /// SHA-256 of the root under which it was verified.
    pub root: Hex<32>,
    /// Whether all of it rests on a development root.
    pub development: bool,
}

impl Vault {
    /// The account of the KMS key: who could read what is encrypted, together with the vault's owner.
    pub fn account(&self) -> Option<&str> {
        Some(self.arn.account()).filter(|account| !account.is_empty())
    }
}

/// Verifies a statement of `owner` by a trust entry of today: countersignature, document, times. What its KMS key was
/// like when it was fetched, it does not say.
pub fn judge(entry: &TrustEntry, bytes: &[u8], owner: &Owner, now: u64, max_age: u64) -> Result<Vault, Error> {
    let (root, pins) = (entry.root()?, entry.pins()?);
    let statement = Statement::parse(bytes, session::regime(&root))?;
    let claims = &statement.claims;
    if claims.owner != owner.0 {
        return Err(CoreError::WrongOwner.into());
    }
    let freshness = Freshness::Stored { at: now, max_age };
    let expected = Expected::new(&root, &pins, freshness, statement.claims_bytes, &claims.configuration);
    let verified = verify::verify::<Crypto, verify::Vault>(statement.document, &expected)?;
    let attested = verified.document().timestamp;
    claims.check_until(attested, now).map_err(|error| match error {
        CoreError::Expired { time, .. } => Error::KeyEnded(time),
        error => error.into(),
    })?;
    Ok(Vault {
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
        facts: None,
        root: Hex(root.sha256()),
        development: root.is_development(),
    })
}

/// Whether `arn` is the key of a configuration.
pub fn is_configured(configuration: &[u8], arn: &Arn) -> bool {
    Configuration::parse(configuration).is_ok_and(|configuration| configuration.arn == *arn)
}

/// Fetches the newest statement of `owner` that the store gives out, verifies it, compares it with what was seen
/// before, and keeps it with the texts of its KMS key for use offline.
pub fn fetch(home: &Home, url: &Url, identity: &Identity, owner: &Owner, max_age: u64) -> Result<Vault, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let mut session = Session::connect(url, entry)?;
    let mut params = Writer::new();
    params.map(2).uint(1).bytes(&owner.0).uint(2).null();
    let ask = Ask { verb: Verb::Statement, params: params.finish(), halves: Halves::new(), body: None };
    let result = session.demand(identity, ask)?.result;
    let statement = parse(&result)?;
    let vault = judge(entry, statement, owner, clock::now(), max_age)?;
    observe(home, &vault, statement)?;
    let key = policy::read(home, &mut session, identity, Some(&vault.arn))?;
    let vault = Vault { policy: key.policy, facts: key.describe, ..vault };
    keep(home, url, &vault, statement)?;
    Ok(vault)
}

/// The vault key of `owner` whose statement was fetched from `url` before: offline. None if none was.
pub fn load(home: &Home, url: &Url, owner: &Owner, max_age: u64) -> Result<Option<Vault>, Error> {
    let trust: Trust = home.load()?;
    let entry = trust.entry(url)?;
    let Some(fetched) = home.statement(owner, &url.to_string())? else { return Ok(None) };
    let statement = &fetched.statement.0;
    let vault = judge(entry, statement, owner, clock::now(), max_age)?;
    observe(home, &vault, statement)?;
    let digest = |digest: Option<Hex<48>>| digest.map(|digest| digest.0);
    Ok(Some(Vault { policy: digest(fetched.policy), facts: digest(fetched.facts), ..vault }))
}

/// Keeps a verified statement.
pub fn keep(home: &Home, url: &Url, vault: &Vault, statement: &[u8]) -> Result<(), Error> {
    let (url, statement) = (url.to_string(), Base64(statement.to_vec()));
    let (policy, facts) = (vault.policy.map(Hex), vault.facts.map(Hex));
    home.keep_statement(&vault.owner, &Fetched { url, time: clock::now(), statement, policy, facts })
}

/// Compares with the highest epoch seen. What contradicts it is kept as evidence.
pub fn observe(home: &Home, vault: &Vault, statement: &[u8]) -> Result<(), Error> {
    let (owner, root, kid) = (vault.owner, vault.root, Hex(vault.kid));
    let verdict = home.update(|seen: &mut Seen| Ok(seen.observe(owner, root, vault.epoch, kid)))?;
    if let Err(Error::Equivocation(_)) = verdict {
        home.keep("statements", &format!("{owner}-{}-{kid}.conflict", vault.epoch), statement)?;
    }
    verdict
}

/// {1 statement}.
fn parse(result: &[u8]) -> Result<&[u8], CoreError> {
    let mut reader = Reader::new(result, Part::Response)?;
    reader.map(1)?;
    reader.key(1)?;
    let statement = reader.bytes(1, MAX_STATEMENT)?;
    reader.end()?;
    Ok(statement)
}
