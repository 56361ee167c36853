//! Vault keys: made (or attested anew), countersigned by their owner's client, and only then sealed and published.

use super::{Judged, Reply, params, stored};
use crate::cbor::{Reader, Writer};
use crate::claims::KmsState;
use crate::error::{Error, Part};
use crate::message::{self, Request};
use crate::object::{Kind as ObjectKind, ObjectAd};
use crate::parent::{Answer, Key, Kind, Operation};
use crate::platform::{Platform, Purpose};
use crate::seal::KemSecret;
use crate::session::Context;
use crate::vault::{self, MAX_VALIDITY, Statement, VaultClaims, VaultRecord};
use crate::{digest, keys, rights, shared};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// A vault key of this session that waits for its owner's word.
pub struct Pending {
    owner: [u8; 32],
    epoch: u64,
    kid: [u8; 32],
    arn: crate::config::Arn,
    document: Vec<u8>,
    claims: Vec<u8>,
    /// The seed of a new key; none if the key is sealed already and only its statement is renewed.
    seed: Option<Zeroizing<[u8; 32]>>,
}

/// vault-create: {1 epoch, 2 nonce, 3 previous kid / null, 4 ARN, 5 and 6 the digests judged} → {1 document, 2 claims}.
pub fn create<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let (epoch, nonce, previous, judged) = params(request, |reader| {
        reader.map(6)?;
        reader.key(1)?;
        let epoch = reader.uint()?;
        reader.key(2)?;
        let nonce: [u8; 32] = reader.fixed()?;
        reader.key(3)?;
        let previous = reader.nullable(Reader::fixed)?;
        Ok((epoch, nonce, previous, Judged::read(reader, 4)?))
    })?;
    rights::deployer(&request.caller, context.boot.deployers.as_ref())?;
    let state = keys::unchanged(context.platform, &judged.arn, judged.policy, judged.describe)?;
    let seed = stored::random(context.platform)?;
    offer(context, request, Offer { epoch, nonce, previous, state, seed, new: true })
}

/// vault-attest: {1 kid, 2 epoch, 3 nonce} → {1 document, 2 claims}, if the key opens with the half sent along.
pub fn attest<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let (kid, epoch, nonce) = params(request, |reader| {
        reader.map(3)?;
        reader.key(1)?;
        let kid: [u8; 32] = reader.fixed()?;
        reader.key(2)?;
        let epoch = reader.uint()?;
        reader.key(3)?;
        Ok((kid, epoch, reader.fixed()?))
    })?;
    let authorised = rights::owner(&request.caller, &request.caller)?;
    let key = Key { kind: Kind::VaultKey, owner: *authorised.caller(), id: vault::id(&kid), version: epoch };
    let stored = stored::get(context.platform, key)?;
    let head = stored::head(&stored.bytes, key)?;
    if head.ad.content != kid {
        return Err(Error::WrongKey);
    }
    let seed = stored::open(context.platform, &authorised, &head, &request.halves)?;
    let seed = seed.as_slice().try_into().map(Zeroizing::new).map_err(|_| Error::CannotOpen)?;
    let state = keys::read(context.platform, &head.ad.arn)?.state;
    offer(context, request, Offer { epoch, nonce, previous: None, state, seed, new: false })
}

struct Offer {
    epoch: u64,
    nonce: [u8; 32],
    previous: Option<[u8; 32]>,
    state: KmsState,
    seed: Zeroizing<[u8; 32]>,
    new: bool,
}

/// Attests a vault key and waits for its owner's word.
fn offer<P: Platform>(context: &mut Context<'_, P>, request: &Request, offer: Offer) -> Result<Reply, Error> {
    let public = KemSecret::from_seed(offer.seed.as_slice())?.public();
    let now = shared::now(context.platform)?;
    let arn = offer.state.arn.clone();
    let claims = VaultClaims {
        owner: request.caller,
        epoch: offer.epoch,
        key: public,
        kid: vault::kid(&public),
        previous: offer.previous,
        // A minute less than may be: two clocks that are each cut to milliseconds never put it past the limit.
        until: now.saturating_add(MAX_VALIDITY - shared::CLOCK_AGE),
        configuration: context.boot.configuration.clone(),
        kms: Some(offer.state),
    };
    let (kid, claims) = (claims.kid, claims.encode());
    let purpose = Purpose::Vault { user_data: &vault::user_data(&claims), nonce: &offer.nonce };
    let document = context.platform.document(purpose)?;
    let mut writer = Writer::new();
    writer.map(2).uint(1).bytes(&document).uint(2).bytes(&claims);
    let seed = offer.new.then_some(offer.seed);
    *context.pending = Some(Pending { owner: request.caller, epoch: offer.epoch, kid, arn, document, claims, seed });
    Ok(Reply::done(writer.finish()))
}

/// vault-confirm: {1 vault-record}, in the session of the key. A new key is sealed, stored, read back; then the
/// statement is published. Of a key that is stored already only the statement is replaced.
pub fn confirm<P: Platform>(context: &mut Context<'_, P>, request: &Request) -> Result<Reply, Error> {
    let record = params(request, |reader| {
        reader.map(1)?;
        reader.key(1)?;
        Ok(reader.item()?.to_vec())
    })?;
    let pending = context.pending.take().ok_or(Error::Refused)?;
    let authorised = rights::owner(&request.caller, &pending.owner)?;
    let word = VaultRecord::verify(&pending.owner, &record)?;
    let agrees = word.epoch == pending.epoch
        && word.kid == pending.kid
        && word.document == digest::sha384(&[&pending.document])
        && word.claims == digest::sha384(&[&pending.claims])
        && word.arn == pending.arn;
    if !agrees {
        return Err(Error::Disagrees(Part::Record));
    }
    let id = vault::id(&pending.kid);
    let (owner, version) = (pending.owner, pending.epoch);
    if let Some(seed) = &pending.seed {
        let salt = stored::random(context.platform)?;
        let (content, arn) = (pending.kid, pending.arn.clone());
        let ad = ObjectAd { kind: ObjectKind::VaultKey, owner, id, version, content, arn, salt: *salt };
        stored::put(context.platform, &authorised, &ad, &record, seed.as_slice(), &request.halves)?;
    }
    let statement = Statement::encode(&pending.document, &pending.claims, &record);
    let key = Key { kind: Kind::Statement, owner, id: [0; 16], version };
    match context.platform.parent(Operation::Replace(key, &statement))? {
        Answer::Done => Ok(Reply::done(message::empty())),
        _ => Err(Error::ParentFailed),
    }
}
