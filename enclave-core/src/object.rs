//! Stored objects: "CPLO" ‖ u32be length ‖ object-head ‖ stream, under two halves of a key.
//!
//! KMS sealing authenticates nobody: whoever may ever call Encrypt makes objects. So every object carries its owner's
//! record, and [`open_head`] checks it before any key is asked for. After that there is one error,
//! [`Error::CannotOpen`].

pub use crate::record::FunctionRecord;

use crate::cbor::{Reader, Writer};
use crate::config::{ARN_MAX, ARN_MIN, Arn};
use crate::crypto::Crypto;
use crate::seal::KemSecret;
use crate::stream::{self, Secret};
use crate::vault::{self, VaultRecord};
use crate::{Error, Part, bundle, digest, kdf, text};
use alloc::string::String;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// First entry of an object's associated data.
const OBJECT: &str = "capelet/1/object";
const MAGIC: [u8; 4] = *b"CPLO";
/// The longest head, in bytes.
const MAX_HEAD: usize = crate::message::MAX_HEAD;
/// The longest wrapped data key, in bytes: KMS' CiphertextBlob.
pub const MAX_WRAPPED: usize = 6144;

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A function: its content is a bundle.
    Function = 1,
    /// A vault key: its content is the seed.
    VaultKey = 2,
}

/// What an object is, bound to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAd {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: [u8; 32],
    /// Its id; a vault key's is its kid's first 16 bytes.
    pub id: [u8; 16],
    /// Its version; a vault key's is its epoch.
    pub version: u64,
    /// A function's checksum, a vault key's kid.
    pub content: [u8; 32],
    /// The KMS key.
    pub arn: Arn,
    /// 16 random bytes: no two objects have the same key, however often one is stored.
    pub salt: [u8; 16],
}

impl ObjectAd {
    /// Reads associated data.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Object)?;
        reader.map(9)?;
        reader.key(1)?;
        reader.literal(OBJECT)?;
        reader.key(2)?;
        let kind = match reader.uint()? {
            1 => Kind::Function,
            2 => Kind::VaultKey,
            _ => return Err(Error::Malformed(Part::Object)),
        };
        reader.key(3)?;
        let owner = reader.fixed()?;
        reader.key(4)?;
        let id = reader.fixed()?;
        reader.key(5)?;
        let version = reader.uint()?;
        reader.key(6)?;
        let content = reader.fixed()?;
        reader.key(7)?;
        let arn = Arn::parse(reader.text(ARN_MIN, ARN_MAX)?)?;
        reader.key(8)?;
        let salt = reader.fixed()?;
        reader.key(9)?;
        if !reader.bool()? {
            // An object without the owner's half is none.
            return Err(Error::Malformed(Part::Object));
        }
        reader.end()?;
        Ok(Self { kind, owner, id, version, content, arn, salt })
    }

    /// The associated data's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(9).uint(1).text(OBJECT).uint(2).uint(self.kind as u64).uint(3).bytes(&self.owner);
        writer.uint(4).bytes(&self.id).uint(5).uint(self.version).uint(6).bytes(&self.content);
        writer.uint(7).text(self.arn.text()).uint(8).bytes(&self.salt).uint(9).bool(true);
        writer.finish()
    }
}

/// The value of KMS' encryption context, whose name is `capelet`: CloudTrail shows neither owners nor functions.
pub fn kms_context(ad: &[u8]) -> String {
    text::base64url_encode(&digest::sha256(&[b"capelet/1/context\0", ad]))
}

/// Checks that `record` is the one that `ad` demands: of its kind, signed by its owner, and in agreement with it.
fn check_record(ad: &ObjectAd, record: &[u8]) -> Result<(), Error> {
    let (id, version, content, arn) = match ad.kind {
        Kind::Function => {
            let function = FunctionRecord::verify(&ad.owner, record)?;
            (function.id, function.version, function.checksum, function.arn)
        }
        Kind::VaultKey => {
            let key = VaultRecord::verify(&ad.owner, record)?;
            (vault::id(&key.kid), key.epoch, key.kid, key.arn)
        }
    };
    let agree = id == ad.id && version == ad.version && content == ad.content && arn == ad.arn;
    if agree { Ok(()) } else { Err(Error::Disagrees(Part::Object)) }
}

/// The head of a stored object, whose record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// What it is.
    pub ad: ObjectAd,
    /// Its associated data, as stored: for [`kms_context`].
    pub ad_bytes: &'a [u8],
    /// Its data key, as KMS wrapped it.
    pub wrapped: &'a [u8],
    /// Its owner's word, signed by the owner of the associated data and in agreement with it.
    pub record: &'a [u8],
    bytes: &'a [u8],
}

/// Takes a stored object apart, into head and stream. The record is checked here, before any key is asked for;
/// whether it is the object that was asked for is the caller's to compare.
pub fn open_head(stored: &[u8]) -> Result<(Head<'_>, &[u8]), Error> {
    let (bytes, stream) = split_magic(MAGIC, stored, Part::Object)?;
    let mut reader = Reader::new(bytes, Part::Object)?;
    reader.array(3)?;
    let ad_bytes = reader.bytes(1, MAX_HEAD)?;
    let wrapped = reader.bytes(1, MAX_WRAPPED)?;
    let record = reader.item()?;
    reader.end()?;
    let ad = ObjectAd::parse(ad_bytes)?;
    check_record(&ad, record)?;
    Ok((Head { ad, ad_bytes, wrapped, record, bytes }, stream))
}

/// Opens the content of an object and compares it with what the record says of it. `data_key` is what KMS unwrapped,
/// `half` the owner's. [`Error::CannotOpen`] for whatever is wrong.
pub fn open<C: Crypto>(
    head: &Head<'_>,
    stream: &[u8],
    data_key: &[u8],
    half: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let secret = secret(data_key, half, head.ad_bytes, head.wrapped)?;
    let aad = digest::sha384(&[head.bytes]);
    let content = stream::open_bytes::<C>(secret, &aad, stream).map_err(|_| Error::CannotOpen)?;
    check_content(&head.ad, &content)?;
    Ok(content)
}

/// Seals `content` under a data key that KMS made for this object alone. `ad` is the bytes whose [`kms_context`] KMS
/// was given, `record` the owner's, signed. What could not be opened again is not sealed.
pub fn seal<C: Crypto>(
    ad: &[u8],
    wrapped: &[u8],
    record: &[u8],
    data_key: &[u8],
    half: &[u8],
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new();
    writer.array(3).bytes(ad).bytes(wrapped).item(record);
    let bytes = writer.finish();
    let mut stored = with_magic(MAGIC, &bytes, Part::Object)?;
    let (head, _) = open_head(&stored)?;
    check_content(&head.ad, content)?;
    let secret = secret(data_key, half, ad, wrapped)?;
    stored.extend_from_slice(&stream::seal_bytes::<C>(secret, &digest::sha384(&[&bytes]), content)?);
    Ok(stored)
}

/// A function's checksum; a vault key's seed → key → kid.
fn check_content(ad: &ObjectAd, content: &[u8]) -> Result<(), Error> {
    let found = match ad.kind {
        Kind::Function => bundle::checksum(content),
        Kind::VaultKey => vault::kid(&KemSecret::from_seed(content).map_err(|_| Error::CannotOpen)?.public()),
    };
    if found == ad.content { Ok(()) } else { Err(Error::CannotOpen) }
}

/// The secret of an object's stream, from both halves.
fn secret(data_key: &[u8], half: &[u8], ad: &[u8], wrapped: &[u8]) -> Result<Secret, Error> {
    let data_key = data_key.try_into().map_err(|_| Error::CannotOpen)?;
    let half = half.try_into().map_err(|_| Error::CannotOpen)?;
    let info = [b"capelet/1/object\0".as_slice(), &digest::sha384(&[ad]), &digest::sha256(&[wrapped])];
    Ok(Secret::new(kdf::derive(data_key, half, &info)))
}

/// magic ‖ u32be length ‖ head.
pub(crate) fn with_magic(magic: [u8; 4], head: &[u8], part: Part) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(head.len()).ok().filter(|_| head.len() <= MAX_HEAD).ok_or(Error::TooLarge(part))?;
    Ok([magic.as_slice(), &length.to_be_bytes(), head].concat())
}

/// Head, and what follows it.
pub(crate) fn split_magic(magic: [u8; 4], bytes: &[u8], part: Part) -> Result<(&[u8], &[u8]), Error> {
    crate::message::split_head(bytes.strip_prefix(&magic).ok_or(Error::Malformed(part))?, part)
}
