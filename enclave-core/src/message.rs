//! Requests and responses: what a stream holds is u32be length ‖ head ‖ body.

use crate::cbor::{Reader, Writer, check_integer_keys};
use crate::identity::{self, Identity};
use crate::{Error, Part, digest};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// The longest head, in bytes: with its length it lies in the first chunk.
pub const MAX_HEAD: usize = 65_532;
/// The most halves in one request.
pub const MAX_HALVES: u64 = 64;
/// How far ahead a request's not-after may lie, in milliseconds.
pub const MAX_AHEAD: u64 = 600_000;

/// COSE's typ of a request.
pub const REQUEST: &str = "capelet/1/request";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verb {
    /// Seals and stores a function.
    Deploy = 1,
    /// Runs a function.
    Run = 2,
    /// Lists what an owner has.
    List = 3,
    /// Asks the store to forget.
    Delete = 4,
    /// Passes on a vault statement.
    Statement = 5,
    /// Makes a vault key.
    VaultCreate = 6,
    /// Seals a vault key, or replaces its statement.
    VaultConfirm = 7,
    /// Attests a vault key anew.
    VaultAttest = 8,
    /// Reads a KMS key's policy and facts.
    Policy = 9,
}

impl Verb {
    fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Deploy,
            2 => Self::Run,
            3 => Self::List,
            4 => Self::Delete,
            5 => Self::Statement,
            6 => Self::VaultCreate,
            7 => Self::VaultConfirm,
            8 => Self::VaultAttest,
            9 => Self::Policy,
            _ => return None,
        })
    }
}

/// A body as its message describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its length, in bytes.
    pub length: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl Described {
    /// The description of `body`.
    pub fn of(body: &[u8]) -> Self {
        Self { length: body.len() as u64, sha256: digest::sha256(&[body]) }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.array(2)?;
        Ok(Self { length: reader.uint()?, sha256: reader.fixed()? })
    }

    fn write(self, writer: &mut Writer) {
        writer.array(2).uint(self.length).bytes(&self.sha256);
    }
}

/// Whether the body that was `found` is the one that was described; none described, none there.
pub fn check_body(described: Option<Described>, found: Described, part: Part) -> Result<(), Error> {
    match described {
        None if found.length == 0 => Ok(()),
        Some(described) if described == found => Ok(()),
        _ => Err(Error::Disagrees(part)),
    }
}

/// Halves of the objects that a request needs, by object id.
pub type Halves = BTreeMap<[u8; 16], Zeroizing<[u8; 32]>>;

/// A request.
pub struct Request {
    /// Its number in the session.
    pub n: u64,
    /// What is asked for.
    pub verb: Verb,
    /// Its id: accepted once from a caller.
    pub id: [u8; 16],
    /// After this moment it must not start (milliseconds since 1970).
    pub not_after: u64,
    /// Whoever signs it.
    pub caller: [u8; 32],
    /// Parameters: a map of integer keys, to be read by the verb.
    pub params: Vec<u8>,
    /// Halves.
    pub halves: Halves,
    /// Its body.
    pub body: Option<Described>,
}

impl Request {
    /// The request map, of which the digest is made and which is signed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        // More than the fields of fixed length take; and for each half its id, itself and their heads.
        let mut writer = Writer::with_capacity(256 + self.params.len() + 64 * self.halves.len());
        writer.map(8).uint(1).uint(self.n).uint(2).uint(self.verb as u64).uint(3).bytes(&self.id);
        writer.uint(4).uint(self.not_after).uint(5).bytes(&self.caller).uint(6).item(&self.params);
        writer.uint(7).map(self.halves.len() as u64);
        for (id, half) in &self.halves {
            writer.bytes(id).bytes(half.as_slice());
        }
        writer.uint(8).nullable(self.body, |writer, body| body.write(writer));
        Zeroizing::new(writer.finish())
    }

    /// Reads a request map.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Request)?;
        reader.map(8)?;
        reader.key(1)?;
        let n = reader.uint()?;
        reader.key(2)?;
        let verb = Verb::from_number(reader.uint()?).ok_or(Error::Malformed(Part::Request))?;
        reader.key(3)?;
        let id = reader.fixed()?;
        reader.key(4)?;
        let not_after = reader.uint()?;
        reader.key(5)?;
        let caller = reader.fixed()?;
        reader.key(6)?;
        let params = params(&mut reader, Part::Request)?;
        reader.key(7)?;
        let count = reader.any_map()?;
        if count > MAX_HALVES {
            return Err(Error::TooLarge(Part::Request));
        }
        let mut halves = Halves::new();
        for _ in 0..count {
            halves.insert(reader.fixed()?, Zeroizing::new(reader.fixed()?));
        }
        reader.key(8)?;
        let body = reader.nullable(Described::read)?;
        reader.end()?;
        Ok(Self { n, verb, id, not_after, caller, params, halves, body })
    }

    /// What the request's stream begins with, and the digest by which answers name the request.
    pub fn sign(&self, identity: &Identity, claims_digest: &[u8; 48]) -> Result<(Zeroizing<Vec<u8>>, [u8; 48]), Error> {
        let map = self.encode();
        let signed = Zeroizing::new(identity.sign1(REQUEST, claims_digest, &map));
        Ok((with_length(&signed, Part::Request)?, request_digest(&map)))
    }

    /// Opens a signed head: number, signature by the caller over these claims. Gives the request and its digest.
    pub fn open(head: &[u8], n: u64, claims_digest: &[u8; 48]) -> Result<(Self, [u8; 48]), Error> {
        let map = identity::payload1(head)?;
        let request = Self::parse(map)?;
        identity::verify1(&request.caller, REQUEST, claims_digest, head)?;
        if request.n != n {
            return Err(Error::Disagrees(Part::Request));
        }
        Ok((request, request_digest(map)))
    }
}

/// A map with nothing in it, as parameters or result.
pub fn empty() -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(0);
    writer.finish()
}

/// A map with integer keys at every depth.
fn params(reader: &mut Reader<'_>, part: Part) -> Result<Vec<u8>, Error> {
    if reader.peek()? != minicbor::data::Type::Map {
        return Err(Error::Malformed(part));
    }
    let item = reader.item()?;
    check_integer_keys(item).map_err(|_| Error::Malformed(part))?;
    if item.first().is_some_and(|head| head >> 5 == 5) && negative_key(item, part)? {
        return Err(Error::Malformed(part));
    }
    Ok(item.to_vec())
}

/// Whether a map of integer keys has a negative one: such keys come last, so a look at each head is enough.
fn negative_key(map: &[u8], part: Part) -> Result<bool, Error> {
    let mut reader = Reader::new(map, part)?;
    for _ in 0..reader.any_map()? {
        if reader.uint().is_err() {
            return Ok(true);
        }
        reader.item()?;
    }
    Ok(false)
}

/// H("capelet/1/request-digest", the request map).
pub fn request_digest(map: &[u8]) -> [u8; 48] {
    digest::labelled("capelet/1/request-digest", map)
}

/// u32be length ‖ head.
fn with_length(head: &[u8], part: Part) -> Result<Zeroizing<Vec<u8>>, Error> {
    let length = u32::try_from(head.len()).ok().filter(|_| head.len() <= MAX_HEAD).ok_or(Error::TooLarge(part))?;
    let mut out = Zeroizing::new(Vec::with_capacity(head.len() + 4));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(head);
    Ok(out)
}

/// Splits what a stream's first chunk holds into head and the beginning of the body.
pub fn split_head(plaintext: &[u8], part: Part) -> Result<(&[u8], &[u8]), Error> {
    let (length, rest) = plaintext.split_first_chunk().ok_or(Error::Malformed(part))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Error::TooLarge(part))?;
    if length > MAX_HEAD {
        return Err(Error::TooLarge(part));
    }
    rest.split_at_checked(length).ok_or(Error::Malformed(part))
}

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The request's number.
    pub n: u64,
    /// The request's digest.
    pub request: [u8; 48],
    /// 0 is done; see `status.rs`.
    pub status: u64,
    /// The verb's result: a map of integer keys. A function's own words may be in it.
    pub result: Zeroizing<Vec<u8>>,
    /// A receipt, signed.
    pub receipt: Option<Vec<u8>>,
    /// The body.
    pub body: Option<Described>,
}

impl Response {
    /// u32be length ‖ response, to be followed by the body.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let entries = 4 + u64::from(self.receipt.is_some()) + u64::from(self.body.is_some());
        // More than the fields of fixed length take.
        let receipt = self.receipt.as_ref().map_or(0, Vec::len);
        let mut writer = Writer::with_capacity(256 + self.result.len() + receipt);
        writer.map(entries).uint(1).uint(self.n).uint(2).bytes(&self.request).uint(3).uint(self.status);
        writer.uint(4).item(&self.result);
        if let Some(receipt) = &self.receipt {
            writer.uint(5).item(receipt);
        }
        if let Some(body) = self.body {
            writer.uint(6);
            body.write(&mut writer);
        }
        with_length(&Zeroizing::new(writer.finish()), Part::Response)
    }

    /// Reads the response to request `n` of this digest.
    pub fn parse(bytes: &[u8], n: u64, request: &[u8; 48]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Response)?;
        let entries = reader.any_map()?;
        reader.key(1)?;
        let found = reader.uint()?;
        reader.key(2)?;
        let digest: [u8; 48] = reader.fixed()?;
        if found != n || digest != *request {
            return Err(Error::Disagrees(Part::Response));
        }
        reader.key(3)?;
        let status = reader.uint()?;
        reader.key(4)?;
        let result = Zeroizing::new(params(&mut reader, Part::Response)?);
        let (mut receipt, mut body) = (None, None);
        for _ in 4..entries {
            match reader.uint()? {
                5 if receipt.is_none() && body.is_none() => {
                    let item = reader.item()?;
                    identity::payload1(item).map_err(|_| Error::Malformed(Part::Response))?;
                    receipt = Some(item.to_vec());
                }
                6 if body.is_none() => body = Some(Described::read(&mut reader)?),
                _ => return Err(Error::Malformed(Part::Response)),
            }
        }
        reader.end()?;
        Ok(Self { n, request: digest, status, result, receipt, body })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response([redacted])")
    }
}
