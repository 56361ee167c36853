//! Makes and renews vault keys.
//!
//! The enclave makes a vault key and attests it. The client verifies and countersigns it. Only then does the enclave
//! encrypt and store it. A vault key never leaves the image that made it, which is the only one that can renew it.
//!
//! The catalogue records each step before it is taken. The client never countersigns two keys for one epoch. After an
//! interruption, only the enclave can tell whether the key is stored: it decrypts it with the owner's key share.

use crate::Crypto;
use crate::clock;
use crate::error::Error;
use crate::home::catalogue::{Catalogue, EpochEntry, EpochState};
use crate::home::{Home, VAULT_LOCK};
use crate::learn;
use crate::policy::{self, KeyChoice};
use crate::random;
use crate::session::{RequestSpec, Session};
use crate::statements;
use crate::vault_key::{VaultKey, is_configured};
use crate::wrong_image::WrongImage;
use enclave_core::attestation::{Expected, Freshness, VaultClaims, VaultPurpose, verify};
use enclave_core::crypto::sha384;
use enclave_core::identity::{Identity, VAULT_RECORD, VaultRecord};
use enclave_core::kms::{AcceptedKey, Arn};
use enclave_core::messages::{VaultAttestParams, VaultConfirmParams, VaultCreateParams, VaultOffer};
use enclave_core::objects::encode_statement;
use enclave_core::parent::{StoreKey, StoreKind};
use enclave_core::{Error as CoreError, Kid, MessageKind, Nonce, OwnerKey, Pcr, UnixMillis};

/// An offer whose document and claims were verified. The owner has not yet countersigned it.
struct VerifiedOffer {
    offer: VaultOffer,
    claims: VaultClaims,
    attested: UnixMillis,
}

/// What an offer must contain. `kid` is `None` for a new key.
struct ExpectedOffer {
    owner: OwnerKey,
    epoch: u64,
    nonce: Nonce,
    kid: Option<Kid>,
    previous: Option<Kid>,
    /// PCR0 of the session's image.
    image: Pcr,
    /// The session's configuration.
    configuration: Vec<u8>,
}

impl ExpectedOffer {
    fn new(session: &Session, identity: &Identity, epoch: &EpochEntry, nonce: Nonce) -> Self {
        Self {
            owner: identity.owner(),
            epoch: epoch.epoch,
            nonce,
            kid: epoch.kid.map(|kid| kid.0),
            previous: epoch.previous.map(|kid| kid.0),
            image: *session.image(),
            configuration: session.evidence().claims.configuration.clone(),
        }
    }

    /// Compares claims with what is expected. `attested_by` is PCR0 of the verified document.
    ///
    /// # Errors
    /// [`CoreError::WrongOwner`]; [`CoreError::WrongKey`]; [`CoreError::WrongImage`] unless the session's image attests
    /// the key, and is the only one that has held it.
    fn check(&self, claims: &VaultClaims, attested_by: Option<&Pcr>) -> Result<(), CoreError> {
        if claims.owner != self.owner {
            return Err(CoreError::WrongOwner);
        }
        let same = claims.epoch == self.epoch
            && claims.previous == self.previous
            && self.kid.is_none_or(|kid| kid == claims.kid)
            && claims.configuration == self.configuration;
        if !same {
            return Err(CoreError::WrongKey);
        }
        let here = attested_by == Some(&self.image) && claims.images == [self.image];
        if here { Ok(()) } else { Err(CoreError::WrongImage) }
    }
}

/// Makes a vault key, or completes one whose creation was interrupted.
///
/// If `next` is set, a further key is made and the present one is kept. Without it, no key is made beside one of another
/// image, nor in place of an epoch in doubt about which only another image can decide.
///
/// # Errors
/// [`Error::VaultKeyExists`] and [`Error::WrongImage`] unless `next` is set; [`Error::NotAccepted`] and
/// [`Error::KeyChanged`] for exceptions that are not accepted; [`Error::Answered`] if the enclave refuses;
/// [`Error::Local`] if what it attests is not what was requested; those of [`policy::read`], [`Home::update_of`], [`Home::lock`] and [`Session::send`].
pub fn create(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    accept: Option<&str>,
    next: bool,
) -> Result<VaultKey, Error> {
    let _lock = home.lock(VAULT_LOCK)?;
    let (root, image) = (session.root_id(), *session.image());
    let stored = learn::vault_keys(home, session, identity)?;
    let doubtful = match doubtful(home, session, identity) {
        Err(Error::WrongImage(_)) if next => None,
        doubtful => doubtful?,
    };
    let key = policy::read(home, session, identity, KeyChoice::Configured)?;
    learn::accepted_texts(home, session, identity, key.arn.text())?;
    policy::accept_as_owner(home, session, &identity.owner(), &key, false, accept)?;
    if let Some(vault) = settle(home, session, identity, doubtful, accept)? {
        return Ok(vault);
    }
    let catalogue: Catalogue = home.load_of(&identity.owner())?;
    if let Some(current) = catalogue.current_epoch(&root).filter(|_| !next) {
        return Err(Error::VaultKeyExists { epoch: current.epoch, here: current.image.0 == image });
    }
    let (url, time) = (session.url().to_string(), clock::now());
    let begun = home.update_of(&identity.owner(), |catalogue: &mut Catalogue| {
        catalogue.begin_epoch(&url, &root, &image, time, &stored)
    })?;

    let (epoch, nonce) = (begun.epoch, Nonce::new(random::bytes()?));
    let expected = ExpectedOffer::new(session, identity, &begun, nonce);
    let params = VaultCreateParams { epoch, nonce, previous: expected.previous, key };
    let verified = request_offer(session, identity, RequestSpec::new(&params), &expected)?;
    if !verified.claims.kms.as_ref().is_some_and(|attested| params.key.matches(attested)) {
        return Err(CoreError::PolicyChanged.into());
    }

    let kid = verified.claims.kid;
    home.update_of(&identity.owner(), |catalogue: &mut Catalogue| catalogue.sign_epoch(epoch, kid, &root))?;
    confirm(home, session, identity, &verified, accept)
}

/// Has the enclave attest the present vault key again, countersigns the document, and replaces the statement.
///
/// # Errors
/// [`Error::NoVaultKey`] if the owner has no vault key under this root; [`Error::WrongImage`] if another image sealed it;
/// otherwise as [`create`].
pub fn renew(home: &Home, session: &mut Session, identity: &Identity, accept: Option<&str>) -> Result<VaultKey, Error> {
    let _lock = home.lock(VAULT_LOCK)?;
    learn::vault_keys(home, session, identity)?;
    let doubtful = doubtful(home, session, identity)?;
    if let Some(vault) = settle(home, session, identity, doubtful, accept)? {
        return Ok(vault);
    }
    let catalogue: Catalogue = home.load_of(&identity.owner())?;
    let current = catalogue.current_epoch(&session.root_id()).ok_or(Error::NoVaultKey)?;
    attest(home, session, identity, current, accept)
}

/// The epoch that was countersigned and not confirmed. `None` if there is no such epoch.
///
/// # Errors
/// [`Error::WrongImage`] if only another image can tell whether the key is stored.
fn doubtful(home: &Home, session: &Session, identity: &Identity) -> Result<Option<EpochEntry>, Error> {
    let catalogue: Catalogue = home.load_of(&identity.owner())?;
    let Some(epoch) = catalogue.doubtful_epoch(&session.root_id()) else { return Ok(None) };
    let kid = epoch.kid.ok_or(Error::NoVaultKey)?.0;
    WrongImage::check(&object(identity, kid, epoch.epoch), &epoch.image.0, session.image())?;
    Ok(Some(epoch.clone()))
}

/// Decides about an epoch in doubt, which is one of this session's image.
///
/// If the enclave can decrypt the key, the epoch is confirmed. If the key is not stored, the epoch is marked as burnt
/// and never used again. `None` if there was no such epoch, or if it was burnt.
fn settle(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    doubtful: Option<EpochEntry>,
    accept: Option<&str>,
) -> Result<Option<VaultKey>, Error> {
    let Some(epoch) = doubtful else { return Ok(None) };
    match attest(home, session, identity, &epoch, accept) {
        Ok(vault) => Ok(Some(vault)),
        Err(Error::Answered(CoreError::NotFound | CoreError::CannotOpen | CoreError::Mismatch(_))) => {
            let root = session.root_id();
            home.update_of(&identity.owner(), |catalogue: &mut Catalogue| {
                catalogue.mark_epoch(epoch.epoch, &root, EpochState::Burnt);
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
    stored: &EpochEntry,
    accept: Option<&str>,
) -> Result<VaultKey, Error> {
    let (kid, epoch, nonce) = (stored.kid.ok_or(Error::NoVaultKey)?.0, stored.epoch, Nonce::new(random::bytes()?));
    let expected = ExpectedOffer::new(session, identity, stored, nonce);
    let params = VaultAttestParams { kid, epoch, nonce, previous: expected.previous };
    let key_shares = session.key_shares(identity, &object(identity, kid, epoch), &stored.image.0)?;
    let request = RequestSpec::new(&params).with_key_shares(key_shares);
    let verified = request_offer(session, identity, request, &expected)?;
    confirm(home, session, identity, &verified, accept)
}

/// Requests the document of a vault key and verifies it.
///
/// It must come from this session's image with this session's configuration, and it must match owner, epoch and nonce.
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
    let verified = verify::<Crypto, VaultPurpose>(&offer.document, &proof)?;
    let attested = verified.facts().timestamp;
    claims.check_until(attested, now)?;
    expected.check(&claims, verified.facts().pcrs.get(&0))?;
    Ok(VerifiedOffer { offer, claims, attested })
}

/// Countersigns the key, after its KMS key was compared with what the owner last accepted. The enclave then encrypts and
/// stores it, reads it back and publishes its statement.
///
/// The catalogue must already record the epoch as signed.
fn confirm(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    verified: &VerifiedOffer,
    accept: Option<&str>,
) -> Result<VaultKey, Error> {
    let VerifiedOffer { offer, claims, attested } = verified;
    let arn = accept_kms_key(home, session, identity, claims, accept)?;
    let record = VaultRecord {
        owner: identity.owner(),
        epoch: claims.epoch,
        kid: claims.kid,
        document: sha384(&[&offer.document]),
        claims: sha384(&[&offer.claims]),
        arn: arn.clone(),
        image: *session.image(),
    };
    let object = object(identity, claims.kid, claims.epoch);
    let key_shares = session.key_shares(identity, &object, &record.image)?;
    let record = identity.sign1(VAULT_RECORD, &[], &record.encode());
    let statement = encode_statement(&offer.document, &offer.claims, &record);
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
    home.update_of(&identity.owner(), |catalogue: &mut Catalogue| {
        catalogue.mark_epoch(claims.epoch, &root, EpochState::Confirmed);
        Ok(())
    })?;
    statements::observe(home, &vault, &statement)?;
    statements::keep(home, session.url(), &vault, &statement)?;
    Ok(vault)
}

/// Compares the KMS key that the claims attest with what the owner last accepted of it. Returns its ARN.
fn accept_kms_key(
    home: &Home,
    session: &mut Session,
    identity: &Identity,
    claims: &VaultClaims,
    accept: Option<&str>,
) -> Result<Arn, Error> {
    let attested = claims.kms.clone().ok_or(CoreError::Malformed(MessageKind::Statement))?;
    let key = AcceptedKey { arn: attested.arn, policy: attested.policy, metadata: attested.metadata };
    learn::accepted_texts(home, session, identity, key.arn.text())?;
    let accepted = policy::accept_as_owner(home, session, &identity.owner(), &key, false, accept);
    if let Err(Error::KeyChanged(_)) = accepted {
        // The present texts are kept, so that the owner can read them. If that fails, the change is still reported.
        let configured = is_configured(&claims.configuration, &key.arn);
        let choice = if configured { KeyChoice::Configured } else { KeyChoice::Named(&key.arn) };
        let _ = policy::read(home, session, identity, choice);
    }
    accepted.map(|()| key.arn)
}

/// Where a vault key is stored.
fn object(identity: &Identity, kid: Kid, epoch: u64) -> StoreKey {
    StoreKey { kind: StoreKind::VaultKey, owner: identity.owner(), id: kid.object_id(), version: epoch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enclave_core::crypto::KemSecret;

    const IMAGE: Pcr = Pcr::new([1; 48]);
    const OTHER: Pcr = Pcr::new([2; 48]);
    const PREVIOUS: Kid = Kid::new([3; 32]);

    #[test]
    fn countersigns_only_what_was_requested_of_this_image() {
        let key = KemSecret::from_seed(&[7; 32]).unwrap().public();
        let (owner, kid) = (OwnerKey::new([4; 32]), Kid::of(&key));
        let good = VaultClaims {
            owner,
            epoch: 5,
            key,
            kid,
            previous: Some(PREVIOUS),
            until: UnixMillis::new(0),
            configuration: b"configuration".to_vec(),
            kms: None,
            images: vec![IMAGE],
        };
        let expected = ExpectedOffer {
            owner,
            epoch: 5,
            nonce: Nonce::new([6; 32]),
            kid: Some(kid),
            previous: Some(PREVIOUS),
            image: IMAGE,
            configuration: good.configuration.clone(),
        };
        assert_eq!(expected.check(&good, Some(&IMAGE)), Ok(()));
        let code = |change: &dyn Fn(&mut VaultClaims)| {
            let mut claims = good.clone();
            change(&mut claims);
            expected.check(&claims, Some(&IMAGE)).unwrap_err().code()
        };
        assert_eq!(code(&|claims| claims.owner = OwnerKey::new([9; 32])), "wrong-owner");
        assert_eq!(code(&|claims| claims.epoch = 6), "wrong-key");
        assert_eq!(code(&|claims| claims.kid = Kid::new([9; 32])), "wrong-key");
        assert_eq!(code(&|claims| claims.configuration.clear()), "wrong-key");
        // A renewal keeps the link to the previous key.
        assert_eq!(code(&|claims| claims.previous = None), "wrong-key");
        assert_eq!(code(&|claims| claims.previous = Some(kid)), "wrong-key");
        assert_eq!(code(&|claims| claims.images = vec![OTHER]), "wrong-image");
        assert_eq!(code(&|claims| claims.images = vec![IMAGE, OTHER]), "wrong-image");
        assert_eq!(code(&|claims| claims.images.clear()), "wrong-image");
        for document in [None, Some(&OTHER)] {
            assert_eq!(expected.check(&good, document), Err(CoreError::WrongImage));
        }
    }
}
