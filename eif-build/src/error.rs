//! The errors of this crate, each with a stable code.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use capelet_cli::ending::CommandError;

use crate::date;
use crate::layout::{SLOTS, Section, VERSION};

/// The error number of a stream that is closed: EBADF of Linux.
const CLOSED: i32 = 9;

/// The reason why a file was refused or a command failed.
///
/// [`Error::code`] is stable and meant for programs. The text is meant for people and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin with `.eif`.
    NotAnEif,
    /// The file ends before byte `needed`.
    Truncated {
        /// The size that the headers require at least, in bytes.
        needed: u64,
        /// The size of the file, in bytes.
        size: u64,
    },
    /// Bytes follow the last section.
    TrailingBytes {
        /// The offset at which the last section ends.
        end: u64,
        /// The size of the file, in bytes.
        size: u64,
    },
    /// The file is larger than the limit.
    FileTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The EIF version is not 4.
    UnsupportedVersion {
        /// The version in the header.
        found: u16,
    },
    /// The header of the file or of a section has a flag. No flag is known for x86-64.
    UnknownFlags {
        /// The flags.
        found: u16,
    },
    /// A header field that no PCR covers differs from its only allowed value.
    HeaderNotCanonical {
        /// The name of the field in AWS's source.
        field: &'static str,
    },
    /// The header claims more sections than it has room for.
    SectionCount {
        /// The claimed number of sections.
        found: u16,
    },
    /// The type of a section is unknown.
    UnknownSection {
        /// The position of the section, from 0.
        slot: usize,
        /// The number of its type.
        found: u16,
    },
    /// A section is in the position of another one.
    SectionOrder {
        /// The position, from 0.
        slot: usize,
        /// The section in this position.
        found: Section,
    },
    /// A section appears twice. A second ramdisk could replace `/init` under the same PCR1.
    DuplicateSection {
        /// The section.
        section: Section,
    },
    /// A mandatory section is missing.
    MissingSection {
        /// The section.
        section: Section,
    },
    /// A section is empty.
    EmptySection {
        /// The section.
        section: Section,
    },
    /// A section is larger than its limit.
    SectionTooLarge {
        /// The section.
        section: Section,
        /// The claimed size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file's header and the section's header give different sizes.
    SectionSize {
        /// The section.
        section: Section,
        /// The size by the file's header, in bytes.
        header: u64,
        /// The size by the section's header, in bytes.
        section_header: u64,
    },
    /// A section does not begin where the section before it ends.
    WrongOffset {
        /// The position of the section, from 0.
        slot: usize,
        /// The offset at which the section must begin.
        expected: u64,
        /// The offset in the header.
        found: u64,
    },
    /// The CRC32 in the header differs from the CRC32 of the file.
    WrongCrc {
        /// The CRC32 of the file.
        computed: u32,
        /// The CRC32 in the header.
        found: u32,
    },
    /// The metadata section is not the constant that this crate writes.
    MetadataNotCanonical,
    /// A byte of the command line is not printable ASCII.
    CommandLine {
        /// The position of the byte, from 0.
        at: usize,
    },
    /// The kernel is not a bzImage.
    NotAKernel,
    /// The kernel section is not as long as the bzImage declares. A boundary with the command line may have been moved.
    KernelLength {
        /// The length that the bzImage declares, in bytes.
        declared: u64,
        /// The size of the section, in bytes.
        size: u64,
    },
    /// The ramdisk does not begin with the only allowed gzip header, which has no name and no time. A ramdisk that is
    /// not compressed fails in the same way.
    GzipHeader,
    /// The ramdisk is not exactly one deflate stream of the size that the gzip member states.
    GzipStream,
    /// The CRC32 in the gzip member differs from the CRC32 of its content.
    GzipCrc {
        /// The CRC32 of the content.
        computed: u32,
        /// The CRC32 in the gzip member.
        found: u32,
    },
    /// The gzip member states a size above the limit.
    GzipTooLarge {
        /// The stated size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The archive is not the canonical encoding of its entries.
    CpioNotCanonical {
        /// The offset of the entry.
        at: u64,
    },
    /// The path of an entry is invalid, or its folder is missing. A path must be relative, of printable ASCII without
    /// spaces, without empty, `.` or `..` parts. Its folder must come before it.
    CpioPath {
        /// The path.
        path: String,
    },
    /// Two entries have the same path.
    CpioDuplicate {
        /// The path.
        path: String,
    },
    /// The mode, owner, link target, device number or size of an entry is out of range.
    CpioEntry {
        /// The path of the entry.
        path: String,
    },
    /// An archive has too many entries.
    CpioEntries {
        /// The largest allowed number.
        limit: usize,
    },
    /// A line in a list of entries or of build inputs is invalid.
    ListLine {
        /// The number of the line, from 1.
        line: usize,
    },
    /// The image has no signature.
    NotSigned,
    /// The signature section is not the only valid encoding of its content.
    SignatureMalformed,
    /// The signature is over another PCR0 than the image's.
    SignedOtherImage,
    /// The signature is invalid for the certificate's key.
    BadSignature,
    /// The PEM file does not hold exactly one readable X.509 certificate.
    BadCertificate,
    /// The certificate's key is not on P-384, which ES384 requires.
    CertificateKey,
    /// The certificate in the image is not the expected one.
    OtherCertificate,
    /// The certificate is not valid yet at the given time.
    CertificateNotYetValid {
        /// The first second at which the certificate is valid, as Unix time.
        not_before: i64,
        /// The last second at which the certificate is valid, as Unix time.
        not_after: i64,
        /// The given time, as Unix time in seconds.
        at: i64,
    },
    /// The certificate has expired at the given time. The hypervisor does not start such an image.
    CertificateExpired {
        /// The first second at which the certificate was valid, as Unix time.
        not_before: i64,
        /// The last second at which the certificate was valid, as Unix time.
        not_after: i64,
        /// The given time, as Unix time in seconds.
        at: i64,
    },
    /// The PEM file does not hold an unencrypted P-384 private key.
    BadKey,
    /// The private key does not belong to the certificate.
    KeyMismatch,
    /// An operation of the operating system failed.
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The kind of the failure.
        kind: ErrorKind,
        /// The operating system's number of it. `None` if the failure was found by this program.
        number: Option<i32>,
    },
    /// The command line of the program is invalid.
    Usage {
        /// The reason.
        message: String,
    },
}

impl Error {
    /// The stable code of the error: lower case, with hyphens.
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnEif => write!(f, "not an .eif file: the first four bytes must be \".eif\""),
            Self::Truncated { needed, size } => {
                write!(f, "the file is truncated: it has {size} bytes, but its headers need {needed}")
            }
            Self::TrailingBytes { end, size } => write!(
                f,
                "bytes follow the last section: it ends at byte {end}, but the file has {size} bytes; remove them"
            ),
            Self::FileTooLarge { limit } => write!(f, "the file is larger than the limit of {limit} bytes"),
            Self::UnsupportedVersion { found } => {
                write!(f, "unsupported EIF version {found}: only version {VERSION} is supported")
            }
            Self::UnknownFlags { found } => write!(f, "unsupported flags {found:#06x}: only 0x0000 is supported"),
            Self::HeaderNotCanonical { field } => {
                write!(f, "the header field {field} is not the constant that eif-build writes: rebuild the image")
            }
            Self::SectionCount { found } => {
                write!(f, "the header claims {found} sections, but has room for {SLOTS}")
            }
            Self::UnknownSection { slot, found } => write!(f, "section {slot} has the unknown type {found}"),
            Self::SectionOrder { slot, found } => write!(
                f,
                "section {slot} is the {found}, which is out of order: the order is kernel, cmdline, metadata, \
                 ramdisk, signature"
            ),
            Self::DuplicateSection { section } => {
                write!(f, "duplicate section {section}: an image has each section once")
            }
            Self::MissingSection { section } => write!(f, "the section {section} is missing"),
            Self::EmptySection { section } => write!(f, "the section {section} is empty"),
            Self::SectionTooLarge { section, size, limit } => {
                write!(f, "the section {section} has {size} bytes: the limit is {limit}")
            }
            Self::SectionSize { section, header, section_header } => write!(
                f,
                "the section {section} has {header} bytes by the file's header, but {section_header} by its own"
            ),
            Self::WrongOffset { slot, expected, found } => {
                write!(f, "section {slot} must begin at byte {expected}, but the header says {found}")
            }
            Self::WrongCrc { computed, found } => {
                write!(f, "the CRC32 in the header is {found:08x}, but the CRC32 of the file is {computed:08x}")
            }
            Self::MetadataNotCanonical => {
                write!(f, "the metadata section is not the constant that eif-build writes: rebuild the image")
            }
            Self::CommandLine { at } => {
                write!(f, "byte {at} of the command line is not printable ASCII: remove it")
            }
            Self::NotAKernel => write!(f, "the kernel is not an x86-64 bzImage"),
            Self::KernelLength { declared, size } => write!(
                f,
                "the kernel section has {size} bytes, but the bzImage declares {declared}: the boundary with the \
                 command line may have been moved; do not use this image"
            ),
            Self::GzipHeader => write!(f, "the ramdisk does not begin with the gzip header that eif-build writes"),
            Self::GzipStream => {
                write!(f, "the ramdisk is not exactly one deflate stream of the size that its gzip member states")
            }
            Self::GzipCrc { computed, found } => write!(
                f,
                "the CRC32 in the ramdisk's gzip member is {found:08x}, but the CRC32 of its content is {computed:08x}"
            ),
            Self::GzipTooLarge { size, limit } => {
                write!(f, "the ramdisk unpacks to {size} bytes: the limit is {limit}")
            }
            Self::CpioNotCanonical { at } => {
                write!(f, "the archive is not canonical at byte {at}: write it with eif-build cpio")
            }
            Self::CpioPath { path } => write!(
                f,
                "the path {path:?} in the archive is invalid, or its folder is missing: list the folder before it"
            ),
            Self::CpioDuplicate { path } => write!(f, "the path {path:?} is in the archive twice: remove one entry"),
            Self::CpioEntry { path } => {
                write!(f, "the mode, owner, link target, device number or size of the entry {path:?} is out of range")
            }
            Self::CpioEntries { limit } => write!(f, "the archive has more than {limit} entries"),
            Self::ListLine { line } => write!(f, "line {line} of the list is invalid, or repeats an input"),
            Self::NotSigned => write!(f, "the image is not signed: use eif-build sign"),
            Self::SignatureMalformed => write!(f, "the signature section is malformed: sign the image again"),
            Self::SignedOtherImage => {
                write!(f, "the signature is over the PCR0 of another image: do not use this image")
            }
            Self::BadSignature => write!(f, "the signature is invalid for the certificate's key and this image"),
            Self::BadCertificate => write!(f, "the file must hold exactly one X.509 certificate in PEM"),
            Self::CertificateKey => write!(f, "the certificate's key must be an EC key on P-384"),
            Self::OtherCertificate => write!(f, "the image is signed with another certificate than the expected one"),
            Self::CertificateNotYetValid { not_before, not_after, at } => write!(
                f,
                "the signing certificate is not valid yet: it is valid from {} until {}, and the time is {}; check \
                 the clock, wait, or sign the image with a certificate that is valid then",
                date::text(*not_before),
                date::text(*not_after),
                date::text(*at)
            ),
            Self::CertificateExpired { not_before, not_after, at } => write!(
                f,
                "the signing certificate has expired: it was valid from {} until {}, and the time is {}; sign the \
                 image with a certificate that is valid then",
                date::text(*not_before),
                date::text(*not_after),
                date::text(*at)
            ),
            Self::BadKey => write!(f, "the key file must hold an unencrypted P-384 private key in PEM"),
            Self::KeyMismatch => write!(f, "the private key does not belong to the certificate"),
            Self::Io { doing, path, kind, number } => {
                write!(f, "cannot {doing} {}: {}", path.display(), reason(*kind, *number))
            }
            Self::Usage { message } => write!(f, "{message}"),
        }
    }
}

/// What the operating system's error means, and what to do about it.
fn reason(kind: ErrorKind, number: Option<i32>) -> String {
    let text = match kind {
        _ if number == Some(CLOSED) => "it is closed; give the program one, for example with < FILE or > FILE",
        ErrorKind::NotFound => "it does not exist; check the path",
        ErrorKind::PermissionDenied => "permission is denied; check the rights of the file and of its folder",
        ErrorKind::StorageFull => "the disk is full; free some space, then retry",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another folder",
        ErrorKind::IsADirectory => "it is a folder; name a file",
        ErrorKind::NotADirectory => "a part of its path is not a folder; check the path",
        ErrorKind::BrokenPipe => "the program at its other end has ended; let that program read everything",
        ErrorKind::InvalidData => "it is not UTF-8 text; check the file",
        kind => {
            let text =
                number.map_or_else(|| kind.to_string(), |number| io::Error::from_raw_os_error(number).to_string());
            return format!("{text}; check the path and the disk");
        }
    };
    text.into()
}

impl std::error::Error for Error {}

impl CommandError for Error {
    fn usage(message: String) -> Self {
        Self::Usage { message }
    }

    fn output(error: io::Error) -> Self {
        let (kind, number) = (error.kind(), error.raw_os_error());
        Self::Io { doing: "write to", path: "standard output".into(), kind, number }
    }

    fn code(&self) -> &'static str {
        Self::code(self)
    }

    fn is_usage(&self) -> bool {
        matches!(self, Self::Usage { .. })
    }
}
