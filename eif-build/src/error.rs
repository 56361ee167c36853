//! Everything that can go wrong, each with a stable code.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::layout::Section;

/// Why a file was refused or a command failed.
///
/// [`Error::code`] is stable and meant for programs; the text is meant for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with `.eif`.
    NotAnEif,
    /// The file ends before byte `needed`.
    Truncated {
        /// Bytes that the headers promise, at least.
        needed: u64,
        /// Bytes that are there.
        size: u64,
    },
    /// Bytes follow the last section.
    TrailingBytes {
        /// Where the last section ends.
        end: u64,
        /// Bytes that are there.
        size: u64,
    },
    /// The file is larger than anything this program reads or writes.
    FileTooLarge {
        /// The most bytes that are taken.
        limit: u64,
    },
    /// An EIF version other than 4.
    UnsupportedVersion {
        /// The version in the header.
        found: u16,
    },
    /// A flag in the header or in a section's header: none is known for x86-64.
    UnknownFlags {
        /// The flags.
        found: u16,
    },
    /// A header field that no PCR covers differs from its one allowed value.
    HeaderNotCanonical {
        /// The field, by AWS's name.
        field: &'static str,
    },
    /// More sections than the header has room for.
    SectionCount {
        /// The number in the header.
        found: u16,
    },
    /// A section of a type that does not exist.
    UnknownSection {
        /// Its place, from 0.
        slot: usize,
        /// Its type.
        found: u16,
    },
    /// A section in another's place.
    SectionOrder {
        /// Its place, from 0.
        slot: usize,
        /// What is there.
        found: Section,
    },
    /// A section that is there already; a second ramdisk could replace `/init` under the same PCR1.
    DuplicateSection {
        /// Which.
        section: Section,
    },
    /// A section that every image needs is not there.
    MissingSection {
        /// Which.
        section: Section,
    },
    /// An empty section.
    EmptySection {
        /// Which.
        section: Section,
    },
    /// A section above its limit.
    SectionTooLarge {
        /// Which.
        section: Section,
        /// The size claimed.
        size: u64,
        /// The most bytes allowed.
        limit: u64,
    },
    /// The header and the section's own header name different sizes.
    SectionSize {
        /// Which.
        section: Section,
        /// The size in the header.
        header: u64,
        /// The size in the section's header.
        section_header: u64,
    },
    /// A section that does not begin where the one before it ends.
    WrongOffset {
        /// Its place, from 0.
        slot: usize,
        /// Where it has to begin.
        expected: u64,
        /// Where the header says that it begins.
        found: u64,
    },
    /// The CRC32 over the file is not the one in the header.
    WrongCrc {
        /// Computed.
        computed: u32,
        /// In the header.
        found: u32,
    },
    /// The metadata section is not the one constant.
    MetadataNotCanonical,
    /// A byte of the command line is not printable ASCII.
    CommandLine {
        /// Which byte, from 0.
        at: usize,
    },
    /// The kernel is not a bzImage.
    NotAKernel,
    /// The kernel's own header names another length: the boundary with the command line was moved.
    KernelLength {
        /// By the kernel's header.
        declared: u64,
        /// Of the section.
        size: u64,
    },
    /// The ramdisk, or an archive to be written, is not the canonical cpio of its entries.
    CpioNotCanonical {
        /// Offset of the entry.
        at: u64,
    },
    /// An entry's path: relative, of printable ASCII without spaces, no empty, `.` or `..` part, its folder before it.
    CpioPath {
        /// The path.
        path: String,
    },
    /// Two entries of one path.
    CpioDuplicate {
        /// The path.
        path: String,
    },
    /// An entry's mode, owner, link target, device number or size is out of range.
    CpioEntry {
        /// The path.
        path: String,
    },
    /// More entries than an archive may have.
    CpioEntries {
        /// The most entries.
        limit: usize,
    },
    /// A line of a list of files or inputs is not understood.
    ListLine {
        /// Which, from 1.
        line: usize,
    },
    /// The image carries no signature.
    NotSigned,
    /// The signature section is not the one encoding of its contents.
    SignatureMalformed,
    /// The signature is over another PCR0 than the image's.
    SignedOtherImage,
    /// The signature is not by the certificate's key.
    BadSignature,
    /// Not one X.509 certificate (PEM), or one that cannot be read.
    BadCertificate,
    /// The certificate's key is not on P-384: ES384 needs it.
    CertificateKey,
    /// The image is signed with another certificate than the one expected.
    OtherCertificate,
    /// The certificate is not yet valid at the time stated.
    CertificateNotYetValid {
        /// Unix time in seconds.
        not_before: i64,
    },
    /// The certificate has expired at the time stated; such an image does not start.
    CertificateExpired {
        /// Unix time in seconds.
        not_after: i64,
    },
    /// Not an unencrypted P-384 private key (PEM).
    BadKey,
    /// The private key is not the certificate's.
    KeyMismatch,
    /// The operating system refused.
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        kind: ErrorKind,
    },
    /// The command line of this program is not understood.
    Usage {
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// The stable code, lower case with hyphens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnEif => "not-an-eif",
            Self::Truncated { .. } => "truncated",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::FileTooLarge { .. } => "file-too-large",
            Self::UnsupportedVersion { .. } => "unsupported-version",
            Self::UnknownFlags { .. } => "unknown-flags",
            Self::HeaderNotCanonical { .. } => "header-not-canonical",
            Self::SectionCount { .. } => "section-count",
            Self::UnknownSection { .. } => "unknown-section",
            Self::SectionOrder { .. } => "section-order",
            Self::DuplicateSection { .. } => "duplicate-section",
            Self::MissingSection { .. } => "missing-section",
            Self::EmptySection { .. } => "empty-section",
            Self::SectionTooLarge { .. } => "section-too-large",
            Self::SectionSize { .. } => "section-size",
            Self::WrongOffset { .. } => "wrong-offset",
            Self::WrongCrc { .. } => "wrong-crc",
            Self::MetadataNotCanonical => "metadata-not-canonical",
            Self::CommandLine { .. } => "command-line",
            Self::NotAKernel => "not-a-kernel",
            Self::KernelLength { .. } => "kernel-length",
            Self::CpioNotCanonical { .. } => "cpio-not-canonical",
            Self::CpioPath { .. } => "cpio-path",
            Self::CpioDuplicate { .. } => "cpio-duplicate",
            Self::CpioEntry { .. } => "cpio-entry",
            Self::CpioEntries { .. } => "cpio-entries",
            Self::ListLine { .. } => "list-line",
            Self::NotSigned => "not-signed",
            Self::SignatureMalformed => "signature-malformed",
            Self::SignedOtherImage => "signed-other-image",
            Self::BadSignature => "bad-signature",
            Self::BadCertificate => "bad-certificate",
            Self::CertificateKey => "certificate-key",
            Self::OtherCertificate => "other-certificate",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::BadKey => "bad-key",
            Self::KeyMismatch => "key-mismatch",
            Self::Io { .. } => "io",
            Self::Usage { .. } => "usage",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnEif => write!(f, "this is not an .eif file"),
            Self::Truncated { needed, size } => {
                write!(f, "the file is cut short: {size} bytes where its headers need {needed}")
            }
            Self::TrailingBytes { end, size } => write!(f, "the last section ends at byte {end}, the file at {size}"),
            Self::FileTooLarge { limit } => write!(f, "the file is larger than {limit} bytes"),
            Self::UnsupportedVersion { found } => write!(f, "EIF version {found}, only 4 is read"),
            Self::UnknownFlags { found } => write!(f, "unknown flags {found:#06x}"),
            Self::HeaderNotCanonical { field } => {
                write!(f, "the header's {field} is not the value that every image has")
            }
            Self::SectionCount { found } => write!(f, "the header names {found} sections and has room for 32"),
            Self::UnknownSection { slot, found } => write!(f, "section {slot} has the unknown type {found}"),
            Self::SectionOrder { slot, found } => write!(f, "section {slot} is the {found}, which belongs elsewhere"),
            Self::DuplicateSection { section } => write!(f, "the {section} is there twice"),
            Self::MissingSection { section } => write!(f, "there is no {section}"),
            Self::EmptySection { section } => write!(f, "the {section} is empty"),
            Self::SectionTooLarge { section, size, limit } => {
                write!(f, "the {section} has {size} bytes, at most {limit} are allowed")
            }
            Self::SectionSize { section, header, section_header } => {
                write!(f, "the {section} has {header} bytes by the header and {section_header} by its own")
            }
            Self::WrongOffset { slot, expected, found } => {
                write!(f, "section {slot} has to begin at byte {expected}, the header says {found}")
            }
            Self::WrongCrc { computed, found } => {
                write!(f, "the header's CRC32 is {found:08x}, the file's {computed:08x}")
            }
            Self::MetadataNotCanonical => write!(f, "the metadata is not the constant that every image has"),
            Self::CommandLine { at } => write!(f, "byte {at} of the command line is not printable ASCII"),
            Self::NotAKernel => write!(f, "the kernel is not an x86-64 bzImage"),
            Self::KernelLength { declared, size } => write!(
                f,
                "the kernel has {declared} bytes by its own header, its section {size}: its boundary with the command line was moved"
            ),
            Self::CpioNotCanonical { at } => write!(f, "the archive is not canonical at byte {at}"),
            Self::CpioPath { path } => {
                write!(f, "the path {path:?} is not allowed in an archive, or its folder is missing")
            }
            Self::CpioDuplicate { path } => write!(f, "the path {path:?} is there twice"),
            Self::CpioEntry { path } => {
                write!(f, "the entry {path:?} has a mode, owner, target, device or size that is not allowed")
            }
            Self::CpioEntries { limit } => write!(f, "the archive has more than {limit} entries"),
            Self::ListLine { line } => write!(f, "line {line} of the list is not understood"),
            Self::NotSigned => write!(f, "the image is not signed"),
            Self::SignatureMalformed => write!(f, "the signature section is malformed"),
            Self::SignedOtherImage => write!(f, "what is signed is the PCR0 of another image"),
            Self::BadSignature => write!(f, "the signature is not by the certificate's key"),
            Self::BadCertificate => write!(f, "this is not one X.509 certificate in PEM"),
            Self::CertificateKey => write!(f, "the certificate's key is not an EC key on P-384"),
            Self::OtherCertificate => write!(f, "the image is signed with another certificate"),
            Self::CertificateNotYetValid { not_before } => {
                write!(f, "the certificate is valid only from Unix time {not_before}")
            }
            Self::CertificateExpired { not_after } => write!(f, "the certificate expired at Unix time {not_after}"),
            Self::BadKey => write!(f, "this is not an unencrypted P-384 private key in PEM"),
            Self::KeyMismatch => write!(f, "the private key is not the certificate's"),
            Self::Io { doing, path, kind } => write!(f, "cannot {doing} {}: {kind}", path.display()),
            Self::Usage { message } => write!(f, "{message}"),
        }
    }
}

impl std::error::Error for Error {}
