//! Requests: what is asked for, by whom, and until when. The caller signs the head.

use crate::crypto::labelled_sha384;
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::encoding::{Reader, payload1};
use crate::messages::body::BodyDigest;
use crate::messages::head::read_map;
use crate::parent::{StoreKey, StoreKind};
use crate::time::UnixMillis;
use crate::types::{ClaimsDigest, Deadline, KeyShare, OwnerKey, RequestDigest, RequestId};
use crate::{Error, MessageKind};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
#[cfg(feature = "outside")]
use zeroize::Zeroizing;

/// The most key shares in one request.
pub const MAX_KEY_SHARES: u64 = 64;
/// COSE's `typ` of a request.
pub const REQUEST: &str = "capelet/1/request";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verb {
    /// Seals and stores a function.
    Deploy = 1,
    /// Runs a function.
    Run = 2,
    /// Lists an owner's objects.
    List = 3,
    /// Asks the store to delete an object.
    Delete = 4,
    /// Passes on a vault statement.
    Statement = 5,
    /// Makes a vault key.
    VaultCreate = 6,
    /// Seals a vault key, or replaces its statement.
    VaultConfirm = 7,
    /// Attests a vault key anew.
    VaultAttest = 8,
    /// Reads a KMS key's policy and metadata.
    Policy = 9,
}

impl Verb {
    #[rustfmt::skip]
    const ALL: [Self; 9] = [
        Self::Deploy, Self::Run, Self::List, Self::Delete, Self::Statement, Self::VaultCreate, Self::VaultConfirm,
        Self::VaultAttest, Self::Policy,
    ];

    /// The verb with this number; `None` if the number is unknown.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| *verb as u64 == number)
    }
}

/// The parameters of one verb: a map with unsigned integer keys.
pub trait Params: Sized {
    /// The verb.
    const VERB: Verb;

    /// Reads parameters.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Request`] or of a part.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error>;

    /// Writes parameters.
    #[cfg(feature = "outside")]
    fn write(&self, writer: &mut Writer);

    /// Reads parameters from bytes, which must contain nothing else.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Request)?;
        let params = Self::read(&mut reader)?;
        reader.end()?;
        Ok(params)
    }

    /// The parameters' bytes.
    #[cfg(feature = "outside")]
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }
}

/// The key shares that a request carries, by what each belongs to: kind, owner, id and version.
pub type KeyShares = BTreeMap<StoreKey, KeyShare>;

/// A request.
pub struct Request {
    /// Its number in the session.
    pub n: u64,
    /// What is asked for.
    pub verb: Verb,
    /// Its id: the enclave accepts it once from each caller.
    pub id: RequestId,
    /// The moment after which it must not start.
    pub not_after: Deadline,
    /// Who signs it.
    pub caller: OwnerKey,
    /// The verb's parameters, encoded; see [`Params`].
    pub params: Vec<u8>,
    /// The key shares of the objects that it needs.
    pub key_shares: KeyShares,
    /// Its body.
    pub body: Option<BodyDigest>,
}

impl Request {
    /// The request map, which is signed and digested.
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // An upper bound of the fields of fixed length, and of each key share with its heads.
        let mut writer = Writer::with_capacity(256 + self.params.len() + 100 * self.key_shares.len());
        writer.map(8).uint(1).uint(self.n).uint(2).uint(self.verb as u64).uint(3).bytes(self.id);
        writer.uint(4).uint(self.not_after.time().get()).uint(5).bytes(self.caller).uint(6).item(&self.params);
        writer.uint(7).array(self.key_shares.len() as u64);
        for (StoreKey { kind, owner, id, version }, share) in &self.key_shares {
            writer.array(5).uint(*kind as u64).bytes(owner).bytes(id).uint(*version).bytes(share.as_bytes());
        }
        writer.uint(8).nullable(self.body, |writer, body| body.write(writer));
        Zeroizing::new(writer.finish())
    }

    /// Reads a request map, *not verified*.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Malformed`] of [`MessageKind::Request`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Request)?;
        let n = reader.map(8)?.key(1)?.uint()?;
        let verb = Verb::from_number(reader.key(2)?.uint()?).ok_or(Error::Malformed(MessageKind::Request))?;
        let id = reader.key(3)?.fixed()?;
        let not_after = Deadline::new(UnixMillis::new(reader.key(4)?.uint()?));
        let caller = reader.key(5)?.fixed()?;
        let params = read_map(reader.key(6)?, MessageKind::Request)?;
        let key_shares = read_key_shares(reader.key(7)?)?;
        let body = reader.key(8)?.nullable(BodyDigest::read)?;
        reader.end()?;
        Ok(Self { n, verb, id, not_after, caller, params, key_shares, body })
    }

    /// The beginning of the request's stream, and the digest by which answers name the request.
    ///
    /// # Errors
    /// [`Error::TooLarge`] of [`MessageKind::Request`].
    #[cfg(feature = "outside")]
    pub fn sign(
        &self,
        identity: &crate::identity::Identity,
        claims_digest: &ClaimsDigest,
    ) -> Result<(Zeroizing<Vec<u8>>, RequestDigest), Error> {
        let map = self.encode();
        let signed = Zeroizing::new(identity.sign1(REQUEST, claims_digest.as_bytes(), &map));
        Ok((super::head::with_length(&signed, MessageKind::Request)?, request_digest(&map)))
    }
}

/// Key shares of sealed objects, which must ascend.
fn read_key_shares(reader: &mut Reader<'_>) -> Result<KeyShares, Error> {
    const MALFORMED: Error = Error::Malformed(MessageKind::Request);
    let count = reader.any_array()?;
    if count > MAX_KEY_SHARES {
        return Err(Error::TooLarge(MessageKind::Request));
    }
    let mut key_shares = KeyShares::new();
    for _ in 0..count {
        let kind = StoreKind::sealed_from_number(reader.array(5)?.uint()?);
        let key = StoreKey {
            kind: kind.ok_or(MALFORMED)?,
            owner: reader.fixed()?,
            id: reader.fixed()?,
            version: reader.uint()?,
        };
        if key_shares.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(MALFORMED);
        }
        key_shares.insert(key, reader.fixed()?);
    }
    Ok(key_shares)
}

/// A record: a COSE_Sign1, *not verified*.
pub(super) fn read_record(reader: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let record = reader.item()?;
    payload1(record)?;
    Ok(record.to_vec())
}

/// A request that its caller signed for this session.
///
/// Holding one proves that the caller holds the secret of [`Request::caller`] and signed for these claims and this
/// number. It does not prove that the caller may do what is asked for, nor that the request is in time.
pub struct VerifiedRequest {
    request: Request,
    digest: RequestDigest,
}

impl VerifiedRequest {
    /// Verifies the signed head of request number `n` of the session with these claims.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Sign1`] or [`MessageKind::Request`];
    /// [`Error::BadSignature`]; [`Error::Mismatch`] of [`MessageKind::Request`] for another number.
    pub fn open(head: &[u8], n: u64, claims_digest: &ClaimsDigest) -> Result<Self, Error> {
        let map = payload1(head)?;
        let request = Request::parse(map)?;
        request.caller.verify(REQUEST, claims_digest.as_bytes(), head)?;
        if request.n != n {
            return Err(Error::Mismatch(MessageKind::Request));
        }
        Ok(Self { request, digest: request_digest(map) })
    }

    /// The parameters of the verb.
    ///
    /// # Errors
    /// [`Error::Refused`] if they are invalid, or another verb's.
    pub fn params<T: Params>(&self) -> Result<T, Error> {
        if self.request.verb != T::VERB {
            return Err(Error::Refused);
        }
        T::parse(&self.request.params).map_err(|_| Error::Refused)
    }

    /// The digest by which answers name the request.
    pub fn digest(&self) -> &RequestDigest {
        &self.digest
    }
}

impl core::ops::Deref for VerifiedRequest {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// H("capelet/1/request-digest", the request map).
pub fn request_digest(map: &[u8]) -> RequestDigest {
    RequestDigest::new(labelled_sha384("capelet/1/request-digest", map))
}
