//! What people read of an error.

use std::fmt;

use super::Error;

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
            Self::GzipHeader => {
                write!(f, "the ramdisk is not compressed by gzip, or has another header than eif-build's")
            }
            Self::GzipStream => {
                write!(f, "the ramdisk's compression is damaged, names a wrong size, or something else is behind it")
            }
            Self::GzipCrc { computed, found } => {
                write!(f, "the ramdisk's own CRC32 is {found:08x}, what is in it has {computed:08x}")
            }
            Self::GzipTooLarge { size, limit } => {
                write!(f, "the ramdisk unpacks to {size} bytes, at most {limit} are allowed")
            }
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
