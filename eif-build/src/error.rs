//! Everything that can go wrong, each with a stable code.

mod text;

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
    /// The ramdisk does not begin with the one gzip header that is read. One that is not compressed, or by something
    /// else, is refused like one with a name or a time.
    GzipHeader,
    /// What follows the ramdisk's gzip header is not one whole deflate stream, of exactly the size stated behind it,
    /// with nothing in between and nothing after.
    GzipStream,
    /// The ramdisk's CRC32 is not the one behind the deflate stream.
    GzipCrc {
        /// Computed.
        computed: u32,
        /// In the ramdisk.
        found: u32,
    },
    /// The ramdisk says that more is in it than is ever unpacked.
    GzipTooLarge {
        /// The size stated, in bytes.
        size: u64,
        /// The most bytes that are unpacked.
        limit: u64,
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
            Self::GzipHeader => "gzip-header",
            Self::GzipStream => "gzip-stream",
            Self::GzipCrc { .. } => "gzip-crc",
            Self::GzipTooLarge { .. } => "gzip-too-large",
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

impl std::error::Error for Error {}
