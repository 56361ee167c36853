//! Stored objects: "CPLO" ‖ u32be length ‖ object-head ‖ stream. The stream's key derives from two parts: KMS's data key
//! and the owner's key share.
//!
//! Anyone who may call Encrypt can make objects, so sealing authenticates no owner. Every object therefore carries its
//! owner's record, and [`StoredObject::parse`] verifies it before any key is asked for.

use crate::crypto::{Crypto, KemSecret, Secret, derive, open_bytes, seal_bytes, sha256, sha384};
use crate::encoding::{Reader, SecretVec, Writer, base64url_encode};
use crate::identity::{FunctionRecord, VaultRecord};
use crate::kms::{Arn, MAX_WRAPPED};
use crate::messages::MAX_HEAD;
use crate::objects::with_head;
use crate::parent::{StoreKey, StoreKind};
use crate::types::{Checksum, DataKey, KeyShare, Kid, ObjectId, OwnerKey, Pcr};
use crate::{Error, MessageKind};
use alloc::string::String;
use alloc::vec::Vec;

/// First entry of an object's associated data.
const OBJECT: &str = "capelet/1/object";
const MAGIC: [u8; 4] = *b"CPLO";

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectKind {
    /// A function: the content is a bundle.
    Function = 1,
    /// A vault key: the content is the seed.
    VaultKey = 2,
}

impl ObjectKind {
    /// The same kind as the store names it.
    pub const fn store_kind(self) -> StoreKind {
        match self {
            Self::Function => StoreKind::Function,
            Self::VaultKey => StoreKind::VaultKey,
        }
    }
}

/// What is sealed, and the digest of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectContent {
    /// The bundle with this checksum.
    Function(Checksum),
    /// The seed of the vault key with this name.
    VaultKey(Kid),
}

impl ObjectContent {
    /// What is sealed.
    pub const fn kind(self) -> ObjectKind {
        match self {
            Self::Function(_) => ObjectKind::Function,
            Self::VaultKey(_) => ObjectKind::VaultKey,
        }
    }

    fn digest(&self) -> &[u8; 32] {
        match self {
            Self::Function(checksum) => checksum.as_bytes(),
            Self::VaultKey(kid) => kid.as_bytes(),
        }
    }

    /// Compares `content` with the digest: of the bundle, or of the public key that belongs to the seed.
    fn check(&self, content: &[u8]) -> Result<(), Error> {
        let matches = match self {
            Self::Function(checksum) => Checksum::of(content) == *checksum,
            Self::VaultKey(kid) => {
                let key = KemSecret::from_seed(content).map_err(|_| Error::CannotOpen)?;
                Kid::of(&key.public()) == *kid
            }
        };
        if matches { Ok(()) } else { Err(Error::CannotOpen) }
    }
}

/// What an object is, bound to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAd {
    /// What it is, and the digest of its content.
    pub content: ObjectContent,
    /// Its owner.
    pub owner: OwnerKey,
    /// Its id; a vault key's is [`Kid::object_id`].
    pub id: ObjectId,
    /// A function's version; a vault key's epoch.
    pub version: u64,
    /// The KMS key.
    pub arn: Arn,
    /// 16 random bytes: an object that is stored again has another key.
    pub salt: [u8; 16],
    /// PCR0 of the image that sealed it. Only this image is given the owner's key share.
    pub image: Pcr,
}

impl ObjectAd {
    /// Reads associated data, *not verified*.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Object`] or [`MessageKind::Arn`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Object)?;
        reader.map(10)?.key(1)?.literal(OBJECT)?;
        let kind = match reader.key(2)?.uint()? {
            1 => ObjectKind::Function,
            2 => ObjectKind::VaultKey,
            _ => return Err(Error::Malformed(MessageKind::Object)),
        };
        let (owner, id) = (reader.key(3)?.fixed()?, reader.key(4)?.fixed()?);
        let version = reader.key(5)?.uint()?;
        reader.key(6)?;
        let content = match kind {
            ObjectKind::Function => ObjectContent::Function(reader.fixed()?),
            ObjectKind::VaultKey => ObjectContent::VaultKey(reader.fixed()?),
        };
        let (arn, salt) = (Arn::read(reader.key(7)?)?, reader.key(8)?.fixed()?);
        if !reader.key(9)?.bool()? {
            // Every object needs its owner's key share.
            return Err(Error::Malformed(MessageKind::Object));
        }
        let image = reader.key(10)?.fixed()?;
        reader.end()?;
        Ok(Self { content, owner, id, version, arn, salt, image })
    }

    /// The associated data's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(10).uint(1).text(OBJECT).uint(2).uint(self.content.kind() as u64).uint(3).bytes(self.owner);
        writer.uint(4).bytes(self.id).uint(5).uint(self.version).uint(6).bytes(self.content.digest());
        writer.uint(7).text(self.arn.text()).uint(8).bytes(self.salt).uint(9).bool(true).uint(10).bytes(self.image);
        writer.finish()
    }

    /// Under what the object is stored.
    pub fn key(&self) -> StoreKey {
        StoreKey { kind: self.content.kind().store_kind(), owner: self.owner, id: self.id, version: self.version }
    }
}

/// The value of KMS's encryption context, whose name is `capelet`. It is a digest, so that CloudTrail shows neither
/// owners nor functions.
pub fn kms_context(ad: &[u8]) -> String {
    base64url_encode(&sha256(&[b"capelet/1/context\0", ad]))
}

/// An owner's record of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Of a function.
    Function(FunctionRecord),
    /// Of a vault key.
    Vault(VaultRecord),
}

impl Record {
    /// Reads the record of the kind that `ad` names, signed by the owner that `ad` names, and compares it with `ad`.
    fn verify(ad: &ObjectAd, message: &[u8]) -> Result<Self, Error> {
        let record = match ad.content {
            ObjectContent::Function(_) => Self::Function(FunctionRecord::verify(&ad.owner, message)?),
            ObjectContent::VaultKey(_) => Self::Vault(VaultRecord::verify(&ad.owner, message)?),
        };
        let (id, version, content, arn, image) = match &record {
            Self::Function(f) => (f.id, f.version, ObjectContent::Function(f.checksum), &f.arn, f.image),
            Self::Vault(key) => (key.kid.object_id(), key.epoch, ObjectContent::VaultKey(key.kid), &key.arn, key.image),
        };
        let agree = id == ad.id && version == ad.version && content == ad.content && *arn == ad.arn;
        let agree = agree && image == ad.image;
        if agree { Ok(record) } else { Err(Error::Mismatch(MessageKind::Object)) }
    }
}

/// A stored object whose record is verified.
///
/// Holding one proves that the owner named in `ad` signed for this kind, id, version, content, KMS key and image. It does
/// not prove that it is the object that was asked for, nor that its content opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject<'a> {
    /// What it is.
    pub ad: ObjectAd,
    /// Its associated data as stored, for [`kms_context`].
    pub ad_bytes: &'a [u8],
    /// Its data key, wrapped by KMS.
    pub wrapped: &'a [u8],
    /// Its owner's record, verified and equal to `ad`.
    pub record: Record,
    head: &'a [u8],
    stream: &'a [u8],
}

impl<'a> StoredObject<'a> {
    /// Reads a stored object and verifies its record. The caller compares [`ObjectAd::key`] with what it asked for.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Object`] or of a part; [`Error::BadSignature`];
    /// [`Error::Mismatch`] of [`MessageKind::Object`] or [`MessageKind::Record`].
    pub fn parse(stored: &'a [u8]) -> Result<Self, Error> {
        let (head, stream) = with_head::split(MAGIC, stored, MessageKind::Object)?;
        let mut reader = Reader::new(head, MessageKind::Object)?;
        let (ad_bytes, wrapped) = (reader.array(3)?.bytes(1, MAX_HEAD)?, reader.bytes(1, MAX_WRAPPED)?);
        let record = reader.item()?;
        reader.end()?;
        let ad = ObjectAd::parse(ad_bytes)?;
        let record = Record::verify(&ad, record)?;
        Ok(Self { ad, ad_bytes, wrapped, record, head, stream })
    }

    /// Opens the content and compares it with the digest in the record.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] for every failure alike; [`Error::Busy`] if there is not enough memory.
    pub fn open<C: Crypto>(&self, data_key: &DataKey, share: &KeyShare) -> Result<SecretVec, Error> {
        let secret = secret(data_key, share, self.ad_bytes, self.wrapped);
        let content = open_bytes::<C>(secret, &sha384(&[self.head]), self.stream).map_err(|error| match error {
            busy @ Error::Busy(_) => busy,
            _ => Error::CannotOpen,
        })?;
        self.ad.content.check(&content)?;
        Ok(content)
    }
}

/// Seals `content`. KMS made `data_key` and `wrapped` for this object alone, with the [`kms_context`] of `ad`. `record`
/// is the owner's, signed.
///
/// # Errors
/// Those of [`StoredObject::parse`], and [`Error::CannotOpen`] if the content does not match `ad`: what could not be
/// opened again is not sealed.
pub fn seal_object<C: Crypto>(
    ad: &ObjectAd,
    wrapped: &[u8],
    record: &[u8],
    data_key: &DataKey,
    share: &KeyShare,
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let ad_bytes = ad.encode();
    let mut writer = Writer::new();
    writer.array(3).bytes(&ad_bytes).bytes(wrapped).item(record);
    let head = writer.finish();
    let mut stored = with_head::join(MAGIC, &head, MessageKind::Object)?;
    StoredObject::parse(&stored)?;
    ad.content.check(content)?;
    let secret = secret(data_key, share, &ad_bytes, wrapped);
    let sealed = seal_bytes::<C>(secret, &sha384(&[&head]), content)?;
    stored.try_reserve_exact(sealed.len()).map_err(|_| Error::BUSY)?;
    stored.extend_from_slice(&sealed);
    Ok(stored)
}

/// The secret of an object's stream, from both parts of its key.
fn secret(data_key: &DataKey, share: &KeyShare, ad: &[u8], wrapped: &[u8]) -> Secret {
    let info = [b"capelet/1/object\0".as_slice(), &sha384(&[ad]), &sha256(&[wrapped])];
    Secret::new(derive(data_key.as_bytes(), share.as_bytes(), &info))
}
