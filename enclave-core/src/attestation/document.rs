//! An attestation document as data: an untagged COSE_Sign1 (RFC 9052, 4.2) around a CBOR map, as the Nitro Security
//! Module makes it (AWS Nitro Enclaves NSM API, `docs/attestation_process.md`).
//!
//! AWS's encoding is not the protocol's: map keys are texts in any order, and since 2025 the payload is a map of
//! indefinite length. This reader accepts that and is otherwise as strict as the protocol's: shortest heads, no unknown
//! or duplicate key, nothing after the end. Nothing here is verified; `attestation/verify.rs` does that.

use crate::encoding::{FixedBytes as _, Writer, head};
use crate::time::UnixMillis;
use crate::types::Pcr;
use crate::{Error, MessageKind};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The longest document, in bytes. Real ones have about 5,000; an answer of the NSM has at most 12,288.
pub const MAX_DOCUMENT: usize = 16_384;
/// The longest field, in bytes. AWS documents 512 for `user_data` and `nonce`, and real ones exceed it.
pub const MAX_FIELD: usize = 1_024;
/// The most certificates in `cabundle`. AWS's chain has four.
pub const MAX_CABUNDLE: usize = 8;
/// How many PCRs the NSM has.
pub const PCRS: u8 = 32;

/// `{1: -35}`: ES384 (RFC 9053, 2.1), the one algorithm of the NSM.
const PROTECTED_ES384: &[u8] = &[0xa1, 0x01, 0x38, 0x22];
const NULL: u8 = 0xf6;
const INDEFINITE_MAP: u8 = 0xbf;
const BREAK: u8 = 0xff;

const MALFORMED: Error = Error::Malformed(MessageKind::Document);

/// An attestation document's fields, borrowed from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// The protected header, always `{1: -35}`.
    pub protected: &'a [u8],
    /// Whether the unprotected header is `null`, where AWS has an empty map. Such a document is read, so that the error
    /// names its signer if that is wrong; verification rejects it in any case.
    pub null_header: bool,
    /// What is signed.
    pub payload: &'a [u8],
    /// r ‖ s, 96 bytes (RFC 9053, 2.1).
    pub signature: &'a [u8; 96],
    /// The enclave's id: `i-…-enc…`.
    pub module_id: &'a str,
    /// When the NSM signed it.
    pub timestamp: UnixMillis,
    /// The locked PCRs, by index.
    pub pcrs: BTreeMap<u8, Pcr>,
    /// The leaf's certificate, DER.
    pub certificate: &'a [u8],
    /// The certificates above it, DER, the root first. AWS's list is never empty; `null` is read as an empty list.
    pub cabundle: Vec<&'a [u8]>,
    /// The public key that the enclave asked for; `None` if absent or null.
    pub public_key: Option<&'a [u8]>,
    /// The user data that the enclave asked for; `None` if absent or null.
    pub user_data: Option<&'a [u8]>,
    /// The nonce that the enclave asked for; `None` if absent or null.
    pub nonce: Option<&'a [u8]>,
}

impl<'a> Document<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Error::TooLarge`] over [`MAX_DOCUMENT`], otherwise [`Error::Malformed`], both of [`MessageKind::Document`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(Error::TooLarge(MessageKind::Document));
        }
        let mut cursor = Cursor { bytes, at: 0 };
        // No tag 18 in front of the array: the NSM writes none.
        cursor.count(4, 4)?;
        let protected = cursor.bytes(1, MAX_FIELD)?;
        if protected != PROTECTED_ES384 {
            return Err(MALFORMED);
        }
        let null_header = cursor.null();
        if !null_header {
            cursor.count(5, 0)?;
        }
        let payload = cursor.bytes(1, MAX_DOCUMENT)?;
        let signature = cursor.bytes(96, 96)?.try_into().map_err(|_| MALFORMED)?;
        cursor.end()?;
        let fields = Fields::read(payload)?;
        Ok(Self {
            protected,
            null_header,
            payload,
            signature,
            module_id: fields.module_id.ok_or(MALFORMED)?,
            timestamp: fields.timestamp.ok_or(MALFORMED)?,
            pcrs: fields.pcrs.ok_or(MALFORMED)?,
            certificate: fields.certificate.ok_or(MALFORMED)?,
            cabundle: fields.cabundle.ok_or(MALFORMED)?,
            // AWS's description allows these three to be absent as well as null.
            public_key: fields.public_key.flatten(),
            user_data: fields.user_data.flatten(),
            nonce: fields.nonce.flatten(),
        })
    }

    /// What the leaf signed: the Sig_structure (RFC 9052, 4.4), without external data.
    pub fn to_be_signed(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(4).text("Signature1").bytes(self.protected).bytes([]).bytes(self.payload);
        writer.finish()
    }
}

/// The payload's map while it is read: each key at most once, in any order.
#[derive(Default)]
struct Fields<'a> {
    module_id: Option<&'a str>,
    digest: Option<()>,
    timestamp: Option<UnixMillis>,
    pcrs: Option<BTreeMap<u8, Pcr>>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<Option<&'a [u8]>>,
    user_data: Option<Option<&'a [u8]>>,
    nonce: Option<Option<&'a [u8]>>,
}

/// Sets a field that is not yet set.
fn once<T>(field: &mut Option<T>, value: T) -> Result<(), Error> {
    if field.replace(value).is_none() { Ok(()) } else { Err(MALFORMED) }
}

impl<'a> Fields<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor { bytes: payload, at: 0 };
        let mut fields = Self::default();
        if cursor.take(INDEFINITE_MAP) {
            while !cursor.take(BREAK) {
                fields.entry(&mut cursor)?;
            }
        } else {
            for _ in 0..cursor.argument(5)? {
                fields.entry(&mut cursor)?;
            }
        }
        cursor.end()?;
        if fields.digest.is_some() { Ok(fields) } else { Err(MALFORMED) }
    }

    fn entry(&mut self, cursor: &mut Cursor<'a>) -> Result<(), Error> {
        match cursor.text()? {
            "module_id" => once(&mut self.module_id, cursor.text()?),
            // The name of the PCRs' hash; the NSM has no other.
            "digest" => once(&mut self.digest, if cursor.text()? == "SHA384" { Ok(()) } else { Err(MALFORMED) }?),
            "timestamp" => once(&mut self.timestamp, UnixMillis::new(cursor.argument(0)?)),
            "pcrs" => once(&mut self.pcrs, cursor.pcrs()?),
            "certificate" => once(&mut self.certificate, cursor.bytes(1, MAX_FIELD)?),
            "cabundle" => once(&mut self.cabundle, cursor.cabundle()?),
            "public_key" => once(&mut self.public_key, cursor.optional_bytes()?),
            "user_data" => once(&mut self.user_data, cursor.optional_bytes()?),
            "nonce" => once(&mut self.nonce, cursor.optional_bytes()?),
            _ => Err(MALFORMED),
        }
    }
}

/// Reads items of AWS's encoding, one after the other.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Whether `byte` comes next; if so, moves past it.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(next);
        next
    }

    /// Whether null comes next; if so, moves past it.
    fn null(&mut self) -> bool {
        self.take(NULL)
    }

    /// The argument of the next head, which has this major type and the shortest form.
    fn argument(&mut self, major: u8) -> Result<u64, Error> {
        let (found, argument, end) = head(self.bytes, self.at).map_err(|_| MALFORMED)?;
        self.at = end;
        if found == major { Ok(argument) } else { Err(MALFORMED) }
    }

    /// An array (4) or a map (5) of exactly `count` entries.
    fn count(&mut self, major: u8, count: u64) -> Result<(), Error> {
        if self.argument(major)? == count { Ok(()) } else { Err(MALFORMED) }
    }

    fn content(&mut self, major: u8) -> Result<&'a [u8], Error> {
        let length = usize::try_from(self.argument(major)?).map_err(|_| MALFORMED)?;
        let end = self.at.checked_add(length).ok_or(MALFORMED)?;
        let content = self.bytes.get(self.at..end).ok_or(MALFORMED)?;
        self.at = end;
        Ok(content)
    }

    fn bytes(&mut self, least: usize, most: usize) -> Result<&'a [u8], Error> {
        let content = self.content(2)?;
        if (least..=most).contains(&content.len()) { Ok(content) } else { Err(MALFORMED) }
    }

    fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, Error> {
        if self.null() { Ok(None) } else { self.bytes(0, MAX_FIELD).map(Some) }
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        let content = self.content(3)?;
        let text = core::str::from_utf8(content).map_err(|_| MALFORMED)?;
        if (1..=MAX_FIELD).contains(&text.len()) { Ok(text) } else { Err(MALFORMED) }
    }

    fn pcrs(&mut self) -> Result<BTreeMap<u8, Pcr>, Error> {
        let mut pcrs = BTreeMap::new();
        for _ in 0..self.argument(5)? {
            let index = u8::try_from(self.argument(0)?).ok().filter(|index| *index < PCRS).ok_or(MALFORMED)?;
            let value = Pcr::from_slice(self.bytes(48, 48)?).ok_or(MALFORMED)?;
            if pcrs.insert(index, value).is_some() {
                return Err(MALFORMED);
            }
        }
        Ok(pcrs)
    }

    fn cabundle(&mut self) -> Result<Vec<&'a [u8]>, Error> {
        let mut certificates = Vec::new();
        if self.null() {
            return Ok(certificates);
        }
        for _ in 0..self.argument(4)? {
            if certificates.len() == MAX_CABUNDLE {
                return Err(MALFORMED);
            }
            certificates.push(self.bytes(1, MAX_FIELD)?);
        }
        Ok(certificates)
    }

    fn end(&self) -> Result<(), Error> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(MALFORMED) }
    }
}
