//! Stored objects: "CPLO" ‖ u32be length ‖ object-head ‖ stream, under two halves of a key.
//!
//! KMS sealing authenticates nobody: whoever may ever call Encrypt makes objects. So every object carries its owner's
//! record, and [`Head::parse`] checks it before any key is asked for. After that there is one error,
//! [`Error::CannotOpen`].

pub use crate::record::FunctionRecord;

use crate::cbor::{Reader, Writer};
use crate::config::{ARN_MAX, ARN_MIN, Arn};
use crate::crypto::Crypto;
use crate::seal::KemSecret;
use crate::stream::{self, Secret};
use crate::vault::{self, VaultRecord};
use crate::{Error, Part, bundle, digest, kdf, parent, text};
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

    /// Under what the object is stored.
    pub fn key(&self) -> parent::Key {
        let kind = match self.kind {
            Kind::Function => parent::Kind::Function,
            Kind::VaultKey => parent::Kind::VaultKey,
        };
        parent::Key { kind, owner: self.owner, id: self.id, version: self.version }
    }
}

/// The value of KMS' encryption context, whose name is `capelet`: CloudTrail shows neither owners nor functions.
pub fn kms_context(ad: &[u8]) -> String {
    text::base64url_encode(&digest::sha256(&[b"capelet/1/context\0", ad]))
}

/// An owner's word, of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// For a function.
    Function(FunctionRecord),
    /// For a vault key.
    Vault(VaultRecord),
}

impl Record {
    /// Reads the record of the kind that `ad` names, signed by the owner that it names, and compares the two.
    fn verify(ad: &ObjectAd, message: &[u8]) -> Result<Self, Error> {
        let record = match ad.kind {
            Kind::Function => Self::Function(FunctionRecord::verify(&ad.owner, message)?),
            Kind::VaultKey => Self::Vault(VaultRecord::verify(&ad.owner, message)?),
        };
        let (id, version, content, arn) = match &record {
            Self::Function(function) => (function.id, function.version, function.checksum, &function.arn),
            Self::Vault(key) => (vault::id(&key.kid), key.epoch, key.kid, &key.arn),
        };
        let agree = id == ad.id && version == ad.version && content == ad.content && *arn == ad.arn;
        if agree { Ok(record) } else { Err(Error::Disagrees(Part::Object)) }
    }
}

/// A stored object whose record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// What it is.
    pub ad: ObjectAd,
    /// Its associated data, as stored: for [`kms_context`].
    pub ad_bytes: &'a [u8],
    /// Its data key, as KMS wrapped it.
    pub wrapped: &'a [u8],
    /// Its owner's word, signed by the owner of the associated data and in agreement with it.
    pub record: Record,
    bytes: &'a [u8],
    stream: &'a [u8],
}

impl<'a> Head<'a> {
    /// Takes a stored object apart. The record is checked here, before any key is asked for; whether it is the object
    /// that was asked for is the caller's to compare, with [`ObjectAd::key`].
    pub fn parse(stored: &'a [u8]) -> Result<Self, Error> {
        let (bytes, stream) = split_magic(MAGIC, stored, Part::Object)?;
        let mut reader = Reader::new(bytes, Part::Object)?;
        reader.array(3)?;
        let ad_bytes = reader.bytes(1, MAX_HEAD)?;
        let wrapped = reader.bytes(1, MAX_WRAPPED)?;
        let record = reader.item()?;
        reader.end()?;
        let ad = ObjectAd::parse(ad_bytes)?;
        let record = Record::verify(&ad, record)?;
        Ok(Self { ad, ad_bytes, wrapped, record, bytes, stream })
    }

    /// Opens the content and compares it with what the record says of it. `data_key` is what KMS unwrapped, `half`
    /// the owner's. [`Error::CannotOpen`] for whatever is wrong.
    pub fn open<C: Crypto>(&self, data_key: &[u8], half: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let secret = secret(data_key, half, self.ad_bytes, self.wrapped)?;
        let aad = digest::sha384(&[self.bytes]);
        let content = stream::open_bytes::<C>(secret, &aad, self.stream).map_err(|_| Error::CannotOpen)?;
        check_content(&self.ad, &content)?;
        Ok(content)
    }
}

/// Seals `content` under a data key that KMS made for this object alone, with the [`kms_context`] of `ad`. `record`
/// is the owner's, signed. What could not be opened again is not sealed.
pub fn seal<C: Crypto>(
    ad: &ObjectAd,
    wrapped: &[u8],
    record: &[u8],
    data_key: &[u8],
    half: &[u8],
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let ad_bytes = ad.encode();
    let mut writer = Writer::new();
    writer.array(3).bytes(&ad_bytes).bytes(wrapped).item(record);
    let head = writer.finish();
    let mut stored = with_magic(MAGIC, &head, Part::Object)?;
    Head::parse(&stored)?;
    check_content(ad, content)?;
    let secret = secret(data_key, half, &ad_bytes, wrapped)?;
    stored.extend_from_slice(&stream::seal_bytes::<C>(secret, &digest::sha384(&[&head]), content)?);
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
