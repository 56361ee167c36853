//! An attestation document as data: an untagged COSE_Sign1 (RFC 9052, 4.2) around a CBOR map, as the Nitro Security
//! Module makes it (AWS Nitro Enclaves NSM API, `docs/attestation_process.md`).
//!
//! AWS's encoding is not the protocol's: map keys are texts in any order, and since 2025 the payload is a map of
//! indefinite length. This reader accepts that and is otherwise as strict as the protocol's: shortest heads, no unknown
//! or duplicate key, nothing after the end. Nothing here is verified; `attestation/verify.rs` does that.

use crate::attestation::document_error::{DocumentError, KeyName};
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
/// The head of an array of four.
const ARRAY_OF_FOUR: u8 = 0x84;
/// The head of tag 18, COSE_Sign1 (RFC 9052, 2).
const TAG_18: u8 = 0xd2;
const NULL: u8 = 0xf6;
const INDEFINITE_ARRAY: u8 = 0x9f;
const INDEFINITE_MAP: u8 = 0xbf;
const BREAK: u8 = 0xff;
/// The key with the PCRs of a NitroTPM (AWS EC2 User Guide, NitroTPM attestation documents), as it is encoded.
const NITRO_TPM_PCRS: &[u8] = b"\x6dnitrotpm_pcrs";

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
    /// [`Error::TooLarge`] of [`MessageKind::Document`] over [`MAX_DOCUMENT`], otherwise [`Error::Document`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        // The size of something else does not matter. What it is, is said instead.
        if bytes.len() > MAX_DOCUMENT && bytes.first() == Some(&ARRAY_OF_FOUR) {
            return Err(Error::TooLarge(MessageKind::Document));
        }
        Self::read(bytes).map_err(Error::Document)
    }

    fn read(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let mut cursor = Cursor { bytes, at: 0, field: "the COSE_Sign1" };
        if cursor.take(TAG_18) {
            return Err(DocumentError::Tag);
        }
        if cursor.take(INDEFINITE_ARRAY) {
            return Err(DocumentError::IndefiniteLength(cursor.field));
        }
        if !cursor.take(ARRAY_OF_FOUR) {
            return Err(DocumentError::NotADocument);
        }
        cursor.field = "the protected header";
        let protected = cursor.bytes(1, MAX_FIELD)?;
        if protected != PROTECTED_ES384 {
            return Err(DocumentError::Algorithm);
        }
        cursor.field = "the unprotected header";
        let null_header = cursor.null();
        if !null_header && cursor.argument(5)? != 0 {
            return Err(DocumentError::UnprotectedHeader);
        }
        cursor.field = "the payload";
        let payload = cursor.bytes(1, MAX_DOCUMENT)?;
        cursor.field = "the signature";
        let signature = cursor.bytes(96, 96)?.try_into().map_err(|_| DocumentError::Truncated(cursor.field))?;
        cursor.field = "COSE_Sign1";
        cursor.end()?;
        let fields = Fields::read(payload).map_err(|error| {
            // Its other fields may break other rules first.
            let is_nitro_tpm = payload.windows(NITRO_TPM_PCRS.len()).any(|window| window == NITRO_TPM_PCRS);
            if is_nitro_tpm { DocumentError::NitroTpm } else { error }
        })?;
        Ok(Self {
            protected,
            null_header,
            payload,
            signature,
            module_id: fields.module_id.ok_or(DocumentError::MissingKey("module_id"))?,
            timestamp: fields.timestamp.ok_or(DocumentError::MissingKey("timestamp"))?,
            pcrs: fields.pcrs.ok_or(DocumentError::MissingKey("pcrs"))?,
            certificate: fields.certificate.ok_or(DocumentError::MissingKey("certificate"))?,
            cabundle: fields.cabundle.ok_or(DocumentError::MissingKey("cabundle"))?,
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

impl<'a> Fields<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, DocumentError> {
        let mut cursor = Cursor { bytes: payload, at: 0, field: "the payload" };
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
        cursor.field = "payload";
        cursor.end()?;
        if fields.digest.is_some() { Ok(fields) } else { Err(DocumentError::MissingKey("digest")) }
    }

    fn entry(&mut self, cursor: &mut Cursor<'a>) -> Result<(), DocumentError> {
        /// Sets a field that is not yet set.
        fn once<T>(field: &mut Option<T>, value: T, name: &'static str) -> Result<(), DocumentError> {
            if field.replace(value).is_none() { Ok(()) } else { Err(DocumentError::DuplicateKey(name)) }
        }
        const KEYS: [&str; 9] =
            ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle", "public_key", "user_data", "nonce"];
        cursor.field = "a key of the payload";
        let key = cursor.text()?;
        let unknown = || DocumentError::UnknownKey(KeyName::new(key));
        let name = KEYS.into_iter().find(|known| *known == key).ok_or_else(unknown)?;
        cursor.field = name;
        match name {
            "module_id" => once(&mut self.module_id, cursor.text()?, name),
            // The name of the PCRs' hash; the NSM has no other.
            "digest" if cursor.text()? != "SHA384" => Err(DocumentError::Digest),
            "digest" => once(&mut self.digest, (), name),
            "timestamp" => once(&mut self.timestamp, UnixMillis::new(cursor.argument(0)?), name),
            "pcrs" => once(&mut self.pcrs, cursor.pcrs()?, name),
            "certificate" => once(&mut self.certificate, cursor.bytes(1, MAX_FIELD)?, name),
            "cabundle" => once(&mut self.cabundle, cursor.cabundle()?, name),
            "public_key" => once(&mut self.public_key, cursor.optional_bytes()?, name),
            "user_data" => once(&mut self.user_data, cursor.optional_bytes()?, name),
            "nonce" => once(&mut self.nonce, cursor.optional_bytes()?, name),
            _ => Err(unknown()),
        }
    }
}

/// Reads items of AWS's encoding, one after the other.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What is being read, for errors.
    field: &'static str,
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
    fn argument(&mut self, major: u8) -> Result<u64, DocumentError> {
        let first = *self.bytes.get(self.at).ok_or(DocumentError::Truncated(self.field))?;
        if first >> 5 != major {
            return Err(DocumentError::FieldType(self.field));
        }
        // Additional information (RFC 8949, 3): 24 to 27 announce 1 to 8 bytes, 31 an indefinite length.
        let width = match first & 0x1f {
            low @ 24..=27 => 1 << (low - 24),
            28..=30 => return Err(DocumentError::FieldType(self.field)),
            31 => return Err(DocumentError::IndefiniteLength(self.field)),
            _ => 0,
        };
        if self.bytes.len() - self.at <= width {
            return Err(DocumentError::Truncated(self.field));
        }
        let (_, argument, end) = head(self.bytes, self.at).map_err(|_| DocumentError::LongHead(self.field))?;
        self.at = end;
        Ok(argument)
    }

    fn content(&mut self, major: u8) -> Result<&'a [u8], DocumentError> {
        let length = self.argument(major)?;
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let content = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(DocumentError::Truncated(self.field))?;
        self.at += content.len();
        Ok(content)
    }

    fn sized<T: AsRef<[u8]>>(&self, content: T, least: usize, most: usize) -> Result<T, DocumentError> {
        let size = content.as_ref().len();
        let error = DocumentError::FieldSize { field: self.field, size, least, most };
        if (least..=most).contains(&size) { Ok(content) } else { Err(error) }
    }

    fn bytes(&mut self, least: usize, most: usize) -> Result<&'a [u8], DocumentError> {
        let content = self.content(2)?;
        self.sized(content, least, most)
    }

    fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, DocumentError> {
        if self.null() { Ok(None) } else { self.bytes(0, MAX_FIELD).map(Some) }
    }

    fn text(&mut self) -> Result<&'a str, DocumentError> {
        let content = self.content(3)?;
        let text = core::str::from_utf8(content).map_err(|_| DocumentError::FieldType(self.field))?;
        self.sized(text, 1, MAX_FIELD)
    }

    fn pcrs(&mut self) -> Result<BTreeMap<u8, Pcr>, DocumentError> {
        let mut pcrs = BTreeMap::new();
        let count = self.argument(5)?;
        for _ in 0..count {
            self.field = "the index of a PCR";
            let index = self.argument(0)?;
            let known = u8::try_from(index).ok().filter(|index| *index < PCRS);
            let known = known.ok_or(DocumentError::PcrIndex(index))?;
            self.field = "a PCR";
            let value = Pcr::from_slice(self.bytes(48, 48)?).ok_or(DocumentError::Truncated(self.field))?;
            if pcrs.insert(known, value).is_some() {
                return Err(DocumentError::DuplicateKey("of a PCR"));
            }
        }
        Ok(pcrs)
    }

    fn cabundle(&mut self) -> Result<Vec<&'a [u8]>, DocumentError> {
        let mut certificates = Vec::new();
        if self.null() {
            return Ok(certificates);
        }
        let count = self.argument(4)?;
        self.field = "a certificate of cabundle";
        for _ in 0..count {
            if certificates.len() == MAX_CABUNDLE {
                return Err(DocumentError::Cabundle(MAX_CABUNDLE));
            }
            certificates.push(self.bytes(1, MAX_FIELD)?);
        }
        Ok(certificates)
    }

    fn end(&self) -> Result<(), DocumentError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(DocumentError::TrailingBytes(self.field)) }
    }
}
