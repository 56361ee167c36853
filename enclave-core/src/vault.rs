//! Vault keys: what an enclave claims of one, what its owner signs, and the statement made of both.

pub use crate::ciphertext::{Ciphertext, CiphertextHeader};

use crate::cbor::{Reader, Writer};
use crate::claims::{self, KmsState, Regime};
use crate::config::{self, Arn};
use crate::{Error, Part, digest, document, identity, seal};
use alloc::vec::Vec;

/// Label of a vault key's claims; also their first entry.
pub const VAULT: &str = "capelet/1/vault";
/// COSE's typ of a vault record; also its first entry.
pub const VAULT_OWNER: &str = "capelet/1/vault-owner";
/// How long a vault key may be used after its document, in milliseconds: 400 days.
pub const MAX_VALIDITY: u64 = 400 * 86_400_000;
/// The longest statement, in bytes.
pub const MAX_STATEMENT: usize = 65_536;

/// The name of a vault key: SHA-256("capelet/1/kid" ‖ 0 ‖ key). Its first 16 bytes are the object's id.
pub fn kid(key: &[u8; seal::PUBLIC_LEN]) -> [u8; 32] {
    digest::sha256(&[b"capelet/1/kid\0", key])
}

/// The id under which the vault key `kid` is stored.
pub fn id(kid: &[u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(kid.split_at(16).0);
    id
}

/// What an enclave claims of a vault key that it made: its document's `user_data` is their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultClaims {
    /// The key's owner.
    pub owner: [u8; 32],
    /// The key's number among its owner's.
    pub epoch: u64,
    /// The public key.
    pub key: [u8; seal::PUBLIC_LEN],
    /// Its name.
    pub kid: [u8; 32],
    /// The name of the key before it.
    pub previous: Option<[u8; 32]>,
    /// Until when to use it, in milliseconds since 1970; see [`VaultClaims::check_until`].
    pub until: u64,
    /// The configuration, whole; empty only under a development root.
    pub configuration: Vec<u8>,
    /// What was read of the KMS key; none only under a development root.
    pub kms: Option<KmsState>,
}

impl VaultClaims {
    /// Reads claims: suite 1, a key whose name this is, of their form.
    pub fn parse(bytes: &[u8], regime: Regime) -> Result<Self, Error> {
        if bytes.len() > claims::MAX_CLAIMS {
            return Err(Error::TooLarge(Part::Statement));
        }
        let mut reader = Reader::new(bytes, Part::Statement)?;
        reader.map(10)?;
        reader.key(1)?;
        reader.literal(VAULT)?;
        reader.key(2)?;
        let owner = reader.fixed()?;
        reader.key(3)?;
        let epoch = reader.uint()?;
        reader.key(4)?;
        if reader.uint()? != claims::SUITE {
            return Err(Error::Malformed(Part::Statement));
        }
        reader.key(5)?;
        let key = reader.fixed()?;
        reader.key(6)?;
        let kid = reader.fixed()?;
        reader.key(7)?;
        let previous = reader.nullable(Reader::fixed)?;
        reader.key(8)?;
        let until = reader.uint()?;
        reader.key(9)?;
        let configuration = reader.bytes(0, config::MAX_CONFIGURATION)?.to_vec();
        reader.key(10)?;
        let kms = reader.nullable(KmsState::read)?;
        reader.end()?;
        seal::check_public(&key)?;
        if kid != self::kid(&key) {
            return Err(Error::Disagrees(Part::Statement));
        }
        claims::check_surroundings(&configuration, kms.as_ref(), regime)?;
        Ok(Self { owner, epoch, key, kid, previous, until, configuration, kms })
    }

    /// The claims' bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(10).uint(1).text(VAULT).uint(2).bytes(&self.owner).uint(3).uint(self.epoch);
        writer.uint(4).uint(claims::SUITE).uint(5).bytes(&self.key).uint(6).bytes(&self.kid);
        writer.uint(7).nullable(self.previous, |writer, kid| {
            writer.bytes(&kid);
        });
        writer.uint(8).uint(self.until).uint(9).bytes(&self.configuration);
        writer.uint(10).nullable(self.kms.as_ref(), |writer, kms| kms.write(writer));
        writer.finish()
    }

    /// Whether the key may be used at `now`, and is not given longer than [`MAX_VALIDITY`] after its document's
    /// `timestamp` (milliseconds since 1970).
    pub fn check_until(&self, timestamp: u64, now: u64) -> Result<(), Error> {
        if self.until > timestamp.saturating_add(MAX_VALIDITY) {
            return Err(Error::Malformed(Part::Statement));
        }
        if now > self.until { Err(Error::Expired { time: self.until, now }) } else { Ok(()) }
    }
}

/// `user_data` of the document that vouches for a vault key's claims.
pub fn user_data(claims: &[u8]) -> [u8; 48] {
    digest::labelled(VAULT, claims)
}

/// An owner's word that a vault key is hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultRecord {
    /// Her key, which signs.
    pub owner: [u8; 32],
    /// The vault key's epoch.
    pub epoch: u64,
    /// The vault key's name.
    pub kid: [u8; 32],
    /// SHA-384 of the document.
    pub document: [u8; 48],
    /// SHA-384 of the claims.
    pub claims: [u8; 48],
    /// The KMS key under which it is stored: that of the claims.
    pub arn: Arn,
}

impl VaultRecord {
    /// Reads a record that `owner` signed, and that is hers.
    pub fn verify(owner: &[u8; 32], message: &[u8]) -> Result<Self, Error> {
        let record = Self::parse(identity::verify1(owner, VAULT_OWNER, &[], message)?)?;
        if record.owner == *owner { Ok(record) } else { Err(Error::Disagrees(Part::Record)) }
    }

    /// Reads a record, whoever signed it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Record)?;
        reader.map(7)?;
        reader.key(1)?;
        reader.literal(VAULT_OWNER)?;
        reader.key(2)?;
        let owner = reader.fixed()?;
        reader.key(3)?;
        let epoch = reader.uint()?;
        reader.key(4)?;
        let kid = reader.fixed()?;
        reader.key(5)?;
        let document = reader.fixed()?;
        reader.key(6)?;
        let claims = reader.fixed()?;
        reader.key(7)?;
        let arn = Arn::parse(reader.text(config::ARN_MIN, config::ARN_MAX)?)?;
        reader.end()?;
        Ok(Self { owner, epoch, kid, document, claims, arn })
    }

    /// The record's bytes, to be signed as a [`VAULT_OWNER`].
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(7).uint(1).text(VAULT_OWNER).uint(2).bytes(&self.owner).uint(3).uint(self.epoch);
        writer.uint(4).bytes(&self.kid).uint(5).bytes(&self.document).uint(6).bytes(&self.claims);
        writer.uint(7).text(self.arn.text());
        writer.finish()
    }
}

/// A vault statement: public, and its own proof but for the document, which is `verify`'s to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The attestation document, whose `user_data` must be [`Statement::user_data`].
    pub document: &'a [u8],
    /// The claims, as the document and the owner saw them.
    pub claims_bytes: &'a [u8],
    /// The claims.
    pub claims: VaultClaims,
    /// The owner's word.
    pub record: VaultRecord,
}

impl<'a> Statement<'a> {
    /// Reads a statement: the record is signed by the owner of the claims and speaks of this document, these claims,
    /// this key. Whose it should be, the document and the times are still to be checked.
    pub fn parse(bytes: &'a [u8], regime: Regime) -> Result<Self, Error> {
        if bytes.len() > MAX_STATEMENT {
            return Err(Error::TooLarge(Part::Statement));
        }
        let mut reader = Reader::new(bytes, Part::Statement)?;
        reader.array(3)?;
        let document = reader.bytes(1, document::MAX_DOCUMENT)?;
        let claims_bytes = reader.bytes(1, claims::MAX_CLAIMS)?;
        let record = reader.item()?;
        reader.end()?;
        let claims = VaultClaims::parse(claims_bytes, regime)?;
        let record = VaultRecord::verify(&claims.owner, record)?;
        let same_key = claims.kms.as_ref().is_none_or(|kms| kms.arn == record.arn);
        let agree = record.epoch == claims.epoch
            && record.kid == claims.kid
            && record.document == digest::sha384(&[document])
            && record.claims == digest::sha384(&[claims_bytes])
            && same_key;
        if agree { Ok(Self { document, claims_bytes, claims, record }) } else { Err(Error::Disagrees(Part::Statement)) }
    }

    /// The statement's bytes; `record` is signed.
    pub fn encode(document: &[u8], claims: &[u8], record: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3).bytes(document).bytes(claims).item(record);
        writer.finish()
    }

    /// What the document's `user_data` must be.
    pub fn user_data(&self) -> [u8; 48] {
        user_data(self.claims_bytes)
    }
}
