//! What this client learns about its owner's vault keys from the store, where its own files lack it: on a new machine, or
//! after an old export was imported.
//!
//! A statement is learned only if the owner signed it. The store can withhold statements, but it cannot invent one. It
//! is therefore no substitute for an export: a key that the store hides can be countersigned for the same epoch again.

use crate::error::Error;
use crate::home::Home;
use crate::home::accepted::{AcceptedTexts, Enclave};
use crate::home::catalogue::{Catalogue, EpochEntry, EpochState};
use crate::home::seen::Seen;
use crate::listing::request_list;
use crate::session::{RequestSpec, Session};
use crate::values::Hex;
use enclave_core::attestation::named_root;
use enclave_core::identity::Identity;
use enclave_core::kms::AcceptedKey;
use enclave_core::messages::{StatementParams, StatementResult};
use enclave_core::objects::{ObjectKind, Statement};
use enclave_core::parent::ListEntry;
use enclave_core::{Error as CoreError, Kid, MessageKind, UnixMillis};

/// The most statements that are followed from the newest one backwards.
const MAX_STATEMENTS: usize = 1000;

/// What one statement of the owner says.
struct Learned {
    epoch: EpochEntry,
    kid: Kid,
    /// The texts of the KMS key that the owner accepted when they signed. `None` only under a development root.
    texts: Option<AcceptedKey>,
}

/// Completes the catalogue with the epochs that the owner's statements prove. Returns the vault keys that the store
/// lists; none of their epochs may be used again.
///
/// # Errors
/// [`Error::Equivocation`] if a statement has another key for an epoch than the catalogue; [`Error::Local`] for an
/// invalid statement; those of [`Session::send`], [`Home::load_of`] and [`Home::update_of`].
pub fn vault_keys(home: &Home, session: &mut Session, identity: &Identity) -> Result<Vec<ListEntry>, Error> {
    let listed = request_list(session, identity, ObjectKind::VaultKey)?;
    let (owner, root) = (identity.owner(), session.root_id());
    let catalogue: Catalogue = home.load_of(&owner)?;
    let known = |entry: &ListEntry| {
        let same = |kid: Hex<Kid>| kid.0.object_id() == entry.id;
        catalogue.vault().iter().any(|e| e.root.0 == root && e.epoch == entry.version && e.kid.is_some_and(same))
    };
    if listed.iter().all(known) {
        return Ok(listed);
    }
    let mut learned = Vec::new();
    let mut wanted = None;
    while let Some(statement) = request(session, identity, wanted)? {
        let before = learned.last().map(|later: &Learned| later.epoch.epoch);
        // Epochs descend, so this ends even if the store's statements name each other.
        if before.is_some_and(|later| statement.epoch.epoch >= later) || learned.len() == MAX_STATEMENTS {
            return Err(CoreError::Mismatch(MessageKind::Statement).into());
        }
        wanted = statement.epoch.previous.map(|kid| kid.0);
        let known = catalogue.epoch_of(&statement.kid, &root).is_some();
        learned.push(statement);
        if known || wanted.is_none() {
            break;
        }
    }
    let newest = learned.first().map(|newest| (newest.epoch.epoch, newest.kid));
    home.update_of(&owner, |catalogue: &mut Catalogue| {
        learned.into_iter().try_for_each(|learned| catalogue.learn(learned.epoch))
    })?;
    if let Some((epoch, kid)) = newest {
        let verdict = home.update(|seen: &mut Seen| Ok(seen.observe(owner, root, epoch, kid)))?;
        // A statement that is older than one seen before is reported where it is used.
        if let Err(error @ Error::Equivocation(_)) = verdict {
            return Err(error);
        }
    }
    Ok(listed)
}

/// The epoch of a vault key of this owner that the catalogue lacks.
///
/// # Errors
/// [`Error::UnknownVaultKey`] if the store has no statement of it; otherwise as [`vault_keys`].
pub fn vault_key(home: &Home, session: &mut Session, identity: &Identity, kid: Kid) -> Result<EpochEntry, Error> {
    let learned = request(session, identity, Some(kid))?.ok_or(Error::UnknownVaultKey)?;
    let epoch = learned.epoch.clone();
    home.update_of(&identity.owner(), |catalogue: &mut Catalogue| catalogue.learn(learned.epoch))?;
    Ok(epoch)
}

/// Learns which KMS key and texts the owner accepted when they signed their newest statement, unless texts of the key
/// with this ARN are already recorded.
///
/// # Errors
/// As [`vault_keys`].
pub fn accepted_texts(home: &Home, session: &mut Session, identity: &Identity, arn: &str) -> Result<(), Error> {
    let (owner, root) = (identity.owner(), session.root_id());
    if home.load_of::<AcceptedTexts>(&owner)?.contains(&root, arn) {
        return Ok(());
    }
    // The statement may be under another key. Then the owner learns that the enclave uses another one now.
    let Some(Learned { texts: Some(key), epoch, .. }) = request(session, identity, None)? else { return Ok(()) };
    let enclave = Enclave { url: session.url().to_string(), image: epoch.image };
    home.update_of(&owner, |texts: &mut AcceptedTexts| {
        if !texts.contains(&root, key.arn.text()) {
            texts.accept(&root, &enclave, &key);
        }
        Ok(())
    })
}

/// Requests the owner's newest statement, or that of the key `kid`, and checks that the owner signed it for this root.
/// `None` if the store has none.
fn request(session: &mut Session, identity: &Identity, kid: Option<Kid>) -> Result<Option<Learned>, Error> {
    let owner = identity.owner();
    let result = match session.send_expect_ok(identity, RequestSpec::new(&StatementParams { owner, kid })) {
        Ok(response) => response.result,
        Err(Error::Answered(CoreError::NotFound)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let StatementResult { statement } = StatementResult::parse(&result)?;
    // The owner's signature covers the document, which the owner's client verified before it signed.
    let Statement { document, claims, record, .. } = Statement::parse(&statement, session.trust_mode())?;
    if claims.owner != owner {
        return Err(CoreError::WrongOwner.into());
    }
    if named_root(document)? != session.root().der() {
        return Err(CoreError::UntrustedRoot.into());
    }
    if kid.is_some_and(|kid| kid != claims.kid) {
        return Err(CoreError::WrongKey.into());
    }
    let texts = claims.kms.map(|kms| AcceptedKey { arn: kms.arn, policy: kms.policy, metadata: kms.metadata });
    let epoch = EpochEntry {
        epoch: claims.epoch,
        kid: Some(Hex(claims.kid)),
        previous: claims.previous.map(Hex),
        url: session.url().to_string(),
        root: Hex(session.root_id()),
        image: Hex(record.image),
        time: UnixMillis::new(0),
        state: EpochState::Confirmed,
    };
    Ok(Some(Learned { epoch, kid: claims.kid, texts }))
}
