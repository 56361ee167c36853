//! Objects at rest: sealed under a KMS data key and the owner's half, stored, read back before anyone is told.

use crate::error::{Error, Part};
use crate::message::Halves;
use crate::object::{self, Head, ObjectAd};
use crate::parent::{Answer, Key, Operation};
use crate::platform::Platform;
use crate::rights::Authorised;
use crate::{kms, shared};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// What was stored, and the memory promised for it and for what is in it.
pub struct Stored<'p, P: Platform> {
    /// As the parent gives them.
    pub bytes: Vec<u8>,
    _held: shared::Held<'p, P>,
}

/// What is stored under `key`. The memory is promised before anything is read.
pub fn get<P: Platform>(platform: &P, key: Key) -> Result<Stored<'_, P>, Error> {
    let mut held = None;
    let bytes = load(platform, key, &mut |length| {
        held = Some(shared::hold(platform, length.saturating_mul(2))?);
        Ok(())
    })?;
    Ok(Stored { bytes, _held: held.ok_or(Error::ParentFailed)? })
}

/// The bytes stored under `key`, if `admit` takes their length.
pub fn load<P: Platform>(
    platform: &P,
    key: Key,
    admit: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Vec<u8>, Error> {
    match platform.load(key, admit)? {
        Answer::Body(bytes) => Ok(bytes),
        Answer::NotFound => Err(Error::NotFound),
        _ => Err(Error::ParentFailed),
    }
}

/// The head of `stored`: its owner's record is hers and agrees with the associated data, and it is what was asked for.
/// A damaged object is [`Error::CannotOpen`], wherever the damage is.
pub fn head(stored: &[u8], key: Key) -> Result<Head<'_>, Error> {
    let head = Head::parse(stored).map_err(|error| match error {
        Error::Disagrees(part) => Error::Disagrees(part),
        _ => Error::CannotOpen,
    })?;
    if head.ad.key() == key { Ok(head) } else { Err(Error::Disagrees(Part::Object)) }
}

/// Opens an object: KMS' half of its key (asked for, or remembered of the last minutes), the owner's, and then the
/// content against what the record says of it. Only for whoever is authorised.
pub fn open<P: Platform>(
    platform: &P,
    _: &Authorised,
    head: &Head<'_>,
    halves: &Halves,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let half = halves.get(&head.ad.id).ok_or(Error::CannotOpen)?;
    let context = object::kms_context(head.ad_bytes);
    let name = shared::data_key_name(&context, head.wrapped);
    let elapsed = platform.elapsed();
    let known = platform.shared(|shared| shared.data_key(&name, elapsed));
    let data_key = match &known {
        Some(key) => key.clone(),
        // The time of now: the request's body may have been minutes on its way, and KMS takes no older signature.
        None => kms::decrypt(platform, &head.ad.arn, &context, head.wrapped, shared::now(platform)?)?,
    };
    let content = head.open::<P::Crypto>(data_key.as_slice(), half.as_slice())?;
    if known.is_none() {
        platform.shared(|shared| shared.set_data_key(name, data_key, elapsed));
    }
    Ok(content)
}

/// Seals `content`, stores it if nothing is there, reads it back and opens it.
pub fn put<P: Platform>(
    platform: &P,
    authorised: &Authorised,
    ad: &ObjectAd,
    record: &[u8],
    content: &[u8],
    halves: &Halves,
) -> Result<(), Error> {
    let half = halves.get(&ad.id).ok_or(Error::CannotOpen)?;
    let context = object::kms_context(&ad.encode());
    let (data_key, wrapped) = kms::generate_data_key(platform, &ad.arn, &context, shared::now(platform)?)?;
    let stored = object::seal::<P::Crypto>(ad, &wrapped, record, data_key.as_slice(), half.as_slice(), content)?;
    drop(data_key);
    match platform.parent(Operation::Put(ad.key(), &stored))? {
        Answer::Done => {}
        Answer::Exists => return Err(Error::Exists),
        _ => return Err(Error::ParentFailed),
    }
    let length = stored.len() as u64;
    drop(stored);
    // Whoever put it has promised the memory for it.
    let same = &mut |found| if found == length { Ok(()) } else { Err(Error::CannotOpen) };
    let again = load(platform, ad.key(), same)?;
    let opened = open(platform, authorised, &head(&again, ad.key())?, halves)?;
    if opened.as_slice() == content { Ok(()) } else { Err(Error::CannotOpen) }
}

/// Fresh random bytes.
pub fn random<const N: usize, P: Platform>(platform: &P) -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    platform.random(bytes.as_mut_slice())?;
    Ok(bytes)
}
