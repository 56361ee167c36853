//! Stored objects: loaded from the parent, opened with both parts of their key, sealed and read back.

use crate::encoding::SecretVec;
use crate::identity::AuthorisedObject;
use crate::kms::{decrypt, generate_data_key};
use crate::objects::{ObjectAd, ObjectContent, StoredObject, kms_context, seal_object};
use crate::parent::{Answer, Operation, StoreKey};
use crate::platform::Platform;
use crate::session::context::Context;
use crate::state::{DataKeyName, Reservation, now};
use crate::types::KeyShare;
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The bytes of a stored object, and the memory reserved for them and for their content.
pub(super) struct Loaded<'p, P: Platform> {
    /// The bytes, as the parent gave them.
    pub bytes: Vec<u8>,
    _reservation: Reservation<'p, P>,
}

/// Loads what is stored under `key`. Memory is reserved before anything is read.
pub(super) fn get<'p, P: Platform>(context: &Context<'_, 'p, P>, key: StoreKey) -> Result<Loaded<'p, P>, Error> {
    let mut reservation = None;
    let bytes = load(context.platform, key, &mut |length| {
        reservation = Some(context.reserve(length.saturating_mul(2))?);
        Ok(())
    })?;
    Ok(Loaded { bytes, _reservation: reservation.ok_or(Error::ParentFailed)? })
}

/// The bytes stored under `key`, if `admit` accepts their length.
pub(super) fn load<P: Platform>(
    platform: &P,
    key: StoreKey,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Vec<u8>, Error> {
    match platform.load(key, admit)? {
        Answer::Body(bytes) => Ok(bytes),
        Answer::NotFound => Err(Error::NotFound),
        _ => Err(Error::ParentFailed),
    }
}

/// Reads the object that was asked for under `key`. Every damage is [`Error::CannotOpen`], wherever it is.
pub(super) fn parse(stored: &[u8], key: StoreKey) -> Result<StoredObject<'_>, Error> {
    let object = StoredObject::parse(stored).map_err(|error| match error {
        Error::Mismatch(kind) => Error::Mismatch(kind),
        _ => Error::CannotOpen,
    })?;
    if object.ad.key() == key { Ok(object) } else { Err(Error::Mismatch(MessageKind::Object)) }
}

/// The content of an opened object. It is the content that the owner's record names.
pub(super) struct Opened {
    /// What it is.
    pub content: ObjectContent,
    /// The bytes.
    pub bytes: SecretVec,
}

/// Opens the authorised object, which this image must have sealed, with KMS's part of its key, which is asked for or
/// remembered, and the owner's.
pub(super) fn open<P: Platform>(
    context: &Context<'_, '_, P>,
    authorised: &AuthorisedObject,
    object: &StoredObject<'_>,
) -> Result<Opened, Error> {
    authorised.check_open(&object.ad)?;
    if object.ad.image != context.boot.image {
        return Err(Error::WrongImage);
    }
    let share = share(context, &object.ad)?;
    let platform = context.platform;
    let kms = kms_context(object.ad_bytes);
    let name = DataKeyName::of(&kms, object.wrapped);
    let elapsed = platform.elapsed();
    let known = platform.shared(|shared| shared.data_keys.get(&name, elapsed));
    let data_key = match &known {
        Some(key) => key.clone(),
        // The current time: the request's body may have taken minutes, and KMS rejects older signatures.
        None => decrypt(platform, &object.ad.arn, &kms, object.wrapped, now(platform)?)?,
    };
    let bytes = object.open::<P::Crypto>(&data_key, share)?;
    // A data key that has opened nothing is not remembered: whatever KMS answered would be kept.
    if known.is_none() {
        platform.shared(|shared| shared.data_keys.set(name, data_key, elapsed));
    }
    Ok(Opened { content: object.ad.content, bytes })
}

/// Seals `content` as the authorised object, stores it if nothing is stored under its key, reads it back and opens it.
/// The caller has reserved the memory.
pub(super) fn put<P: Platform>(
    context: &Context<'_, '_, P>,
    authorised: &AuthorisedObject,
    ad: &ObjectAd,
    record: &[u8],
    content: &[u8],
) -> Result<(), Error> {
    authorised.check_store(ad)?;
    let platform = context.platform;
    let stored = seal(context, ad, record, content)?;
    context.in_time()?;
    match platform.parent(Operation::Put(ad.key(), &stored))? {
        Answer::Done => {}
        Answer::Exists => return Err(Error::Exists),
        _ => return Err(Error::ParentFailed),
    }
    let length = stored.len() as u64;
    drop(stored);
    let same = &mut |found| if found == length { Ok(()) } else { Err(Error::CannotOpen) };
    let again = load(platform, ad.key(), same)?;
    let opened = open(context, authorised, &parse(&again, ad.key())?)?;
    if opened.bytes.as_slice() == content { Ok(()) } else { Err(Error::CannotOpen) }
}

/// The request's key share for this object.
fn share<'a, P: Platform>(context: &Context<'a, '_, P>, ad: &ObjectAd) -> Result<&'a KeyShare, Error> {
    context.request.key_shares.get(&ad.key()).ok_or(Error::CannotOpen)
}

fn seal<P: Platform>(
    context: &Context<'_, '_, P>,
    ad: &ObjectAd,
    record: &[u8],
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let (platform, share) = (context.platform, share(context, ad)?);
    let kms = kms_context(&ad.encode());
    let (data_key, wrapped) = generate_data_key(platform, &ad.arn, &kms, now(platform)?)?;
    seal_object::<P::Crypto>(ad, &wrapped, record, &data_key, share, content)
}

/// Fresh random bytes.
pub(super) fn random<const N: usize, P: Platform>(platform: &P) -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    platform.random(bytes.as_mut_slice())?;
    Ok(bytes)
}
