//! Why a document cannot be read, as one enum: each rule of the reader has its own variant, code and sentence.

use core::fmt;

/// The rule of [`Document::parse`](super::Document::parse) that a document breaks.
///
/// Nothing in the document was verified yet. `field` is the name in the payload's map or in the COSE_Sign1.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// The bytes do not begin as a COSE_Sign1 does, with an array of four.
    NotADocument,
    /// A CBOR tag comes before the array. The NSM writes none.
    Tag,
    /// It is the document of a NitroTPM, which an EC2 instance makes and no enclave.
    NitroTpm,
    /// The bytes end within this field.
    Truncated(&'static str),
    /// Bytes follow the end of the payload's map or of the COSE_Sign1.
    TrailingBytes(&'static str),
    /// The field is of another CBOR type.
    FieldType(&'static str),
    /// The field has a length or a number in more bytes than necessary.
    LongHead(&'static str),
    /// The field is of indefinite length. Only the payload's map may be.
    IndefiniteLength(&'static str),
    /// The field has too few or too many bytes.
    FieldSize {
        /// The name.
        field: &'static str,
        /// The size, in bytes.
        size: usize,
        /// The smallest size, in bytes.
        least: usize,
        /// The largest size, in bytes.
        most: usize,
    },
    /// The payload has a key that AWS does not document.
    UnknownKey(KeyName),
    /// The payload or its map of PCRs has this key twice.
    DuplicateKey(&'static str),
    /// The payload lacks this key.
    MissingKey(&'static str),
    /// The protected header is not `{1: -35}`: the algorithm is not ES384, or there is another header.
    Algorithm,
    /// The unprotected header, which is not signed, is not the empty map.
    UnprotectedHeader,
    /// The PCRs are digests of another hash than SHA-384.
    Digest,
    /// The index of a PCR is not below 32.
    PcrIndex(u64),
    /// `cabundle` has more certificates than this.
    Cabundle(usize),
}

impl DocumentError {
    /// The stable code that people and scripts see.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotADocument => "not-a-document",
            Self::Tag => "document-tag",
            Self::NitroTpm => "nitrotpm-document",
            Self::Truncated(_) => "document-truncated",
            Self::TrailingBytes(_) => "document-trailing-bytes",
            Self::FieldType(_) => "document-field-type",
            Self::LongHead(_) => "document-long-head",
            Self::IndefiniteLength(_) => "document-indefinite-length",
            Self::FieldSize { .. } => "document-field-size",
            Self::UnknownKey(_) => "document-unknown-key",
            Self::DuplicateKey(_) => "document-duplicate-key",
            Self::MissingKey(_) => "document-missing-key",
            Self::Algorithm => "document-algorithm",
            Self::UnprotectedHeader => "document-unprotected-header",
            Self::Digest => "document-digest",
            Self::PcrIndex(_) => "document-pcr-index",
            Self::Cabundle(_) => "document-cabundle",
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADocument => f.write_str("it does not begin as a COSE_Sign1 does"),
            Self::Tag => f.write_str("a CBOR tag comes before the COSE_Sign1, and the NSM writes none"),
            Self::NitroTpm => {
                f.write_str("it is the document of a NitroTPM, which an EC2 instance makes and no enclave")
            }
            Self::Truncated(field) => write!(f, "it ends within {field}"),
            Self::TrailingBytes(field) => write!(f, "bytes follow the end of the {field}"),
            Self::FieldType(field) => write!(f, "{field} is of another type than AWS documents"),
            Self::LongHead(field) => write!(f, "{field} has a length or a number in more bytes than necessary"),
            Self::IndefiniteLength(field) => {
                write!(f, "{field} is of indefinite length, which only the payload's map may be")
            }
            Self::FieldSize { field, size, least, most } if least == most => {
                write!(f, "{field} has {size} bytes, and must have {most}")
            }
            Self::FieldSize { field, size, least, most } => {
                write!(f, "{field} has {size} bytes, and must have {least} to {most}")
            }
            Self::UnknownKey(name) => write!(f, "the key \"{name}\" is unknown"),
            Self::DuplicateKey(field) => write!(f, "the key {field} is there twice"),
            Self::MissingKey(field) => write!(f, "the key {field} is missing"),
            Self::Algorithm => f.write_str("the protected header is not {1: -35}, which means ES384"),
            Self::UnprotectedHeader => f.write_str("the unprotected header is not the empty map"),
            Self::Digest => f.write_str("its digest is not SHA384"),
            Self::PcrIndex(index) => write!(f, "it has a PCR{index}, and the NSM has PCR0 to PCR31 only"),
            Self::Cabundle(most) => write!(f, "cabundle has more than {most} certificates"),
        }
    }
}

/// The first bytes of a key that another party chose. What it displays is printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyName {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl KeyName {
    /// The most bytes that are kept.
    const MAX: usize = 32;

    pub(super) fn new(name: &str) -> Self {
        let mut bytes = [0; Self::MAX];
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Self { bytes, length: name.len() }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.bytes.get(..self.length).unwrap_or(&self.bytes);
        write!(f, "{}{}", kept.escape_ascii(), if self.length > Self::MAX { "…" } else { "" })
    }
}
