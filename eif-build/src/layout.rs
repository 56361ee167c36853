//! The layout of an image file: its constants, its sections and its headers.
//!
//! The format is EIF version 4, as AWS's crate `aws-nitro-enclaves-image-format` defines it. A file is a header of 548
//! bytes and then the sections in sequence. Each section has a header of 12 bytes. Every integer is big-endian.
//!
//! The format allows many layouts. This crate writes and reads one of them, in which kernel, command line, ramdisk and
//! signature decide every byte of the file.

use std::fmt;

/// The largest size of a file, in bytes.
pub const MAX_FILE: u64 = 129 << 20;
/// The size of the file's header, in bytes.
pub const HEADER_SIZE: usize = 548;
/// The size of the header in front of each section, in bytes.
pub(crate) const SECTION_HEADER_SIZE: usize = 12;

/// The first bytes of every file.
pub(crate) const MAGIC: [u8; 4] = *b".eif";
/// The only supported version of the format.
pub(crate) const VERSION: u16 = 4;
/// The flags of the file and of every section. Bit 0 would mean arm64; x86-64 has no flag.
pub(crate) const FLAGS: u16 = 0;
/// The header's field `default_mem`, in bytes. AWS's builder always writes this value. The operator who starts an
/// enclave chooses the real size.
pub(crate) const DEFAULT_MEMORY: u64 = 1 << 30;
/// The header's field `default_cpus`. The same holds for it.
pub(crate) const DEFAULT_CPUS: u64 = 2;
/// The number of sections that the header has room for.
pub(crate) const SLOTS: usize = 32;

/// The metadata section of every image, in JSON. AWS's tools require build information. No PCR covers this section, so
/// it holds constants only.
pub(crate) const METADATA: &[u8] = br#"{"ImageName":"capelet","ImageVersion":"1","BuildMetadata":{"BuildTime":"1970-01-01T00:00:00+00:00","BuildTool":"eif-build","BuildToolVersion":"1","OperatingSystem":"Linux","KernelVersion":"Unknown"},"DockerInfo":null,"CustomMetadata":null}"#;

/// A section of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The kernel, a bzImage.
    Kernel,
    /// The kernel's command line.
    CommandLine,
    /// Build information for AWS's tools. It is the same in every image.
    Metadata,
    /// The only ramdisk: a cpio archive, compressed by gzip.
    Ramdisk,
    /// The signature over PCR0, with the signer's certificate.
    Signature,
}

/// The sections in the order of AWS's builder. The signature may be absent.
pub(crate) const ORDER: [Section; 5] =
    [Section::Kernel, Section::CommandLine, Section::Metadata, Section::Ramdisk, Section::Signature];

impl Section {
    /// The section with this number. `None` if the number is unknown.
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        ORDER.into_iter().find(|section| section.number() == number)
    }

    /// The number by which AWS's format identifies the section.
    fn number(self) -> u16 {
        match self {
            Self::Kernel => 1,
            Self::CommandLine => 2,
            Self::Ramdisk => 3,
            Self::Signature => 4,
            Self::Metadata => 5,
        }
    }

    /// The largest size of the section without its header, in bytes.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Kernel => 64 << 20,
            // On x86 Linux defines COMMAND_LINE_SIZE as 2,048, including the NUL.
            Self::CommandLine => 2047,
            // Larger than the constant: metadata of another tool fails as `MetadataNotCanonical`, not for its size.
            Self::Metadata => 64 << 10,
            Self::Ramdisk => 64 << 20,
            Self::Signature => 32 << 10,
        }
    }

    /// The name of the section in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::CommandLine => "cmdline",
            Self::Metadata => "metadata",
            Self::Ramdisk => "ramdisk",
            Self::Signature => "signature",
        }
    }
}

/// The limits of the sections keep every file below the limit of the file.
const _: () = {
    let headers = HEADER_SIZE + ORDER.len() * SECTION_HEADER_SIZE;
    let unsigned = Section::Kernel.limit() + Section::CommandLine.limit() + Section::Metadata.limit();
    assert!(headers as u64 + unsigned + Section::Ramdisk.limit() + Section::Signature.limit() < MAX_FILE);
};

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The header of a file with sections of these sizes. The last four bytes, which hold the CRC, are zero.
pub(crate) fn header(sizes: &[u64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_SIZE);
    out.extend(MAGIC);
    out.extend(VERSION.to_be_bytes());
    out.extend(FLAGS.to_be_bytes());
    out.extend(DEFAULT_MEMORY.to_be_bytes());
    out.extend(DEFAULT_CPUS.to_be_bytes());
    out.extend([0; 2]);
    out.extend((sizes.len() as u16).to_be_bytes());
    let mut at = HEADER_SIZE as u64;
    for slot in 0..SLOTS {
        let offset = sizes.get(slot).map_or(0, |size| {
            let here = at;
            at += SECTION_HEADER_SIZE as u64 + size;
            here
        });
        out.extend(offset.to_be_bytes());
    }
    for slot in 0..SLOTS {
        out.extend(sizes.get(slot).copied().unwrap_or(0).to_be_bytes());
    }
    out.extend([0; 8]);
    out
}

/// The header in front of a section of `size` bytes.
pub(crate) fn section_header(section: Section, size: u64) -> [u8; SECTION_HEADER_SIZE] {
    let mut out = [0; SECTION_HEADER_SIZE];
    out[..2].copy_from_slice(&section.number().to_be_bytes());
    out[2..4].copy_from_slice(&FLAGS.to_be_bytes());
    out[4..].copy_from_slice(&size.to_be_bytes());
    out
}

/// The CRC32 (ISO-HDLC) over the file without the four bytes of the header that hold it.
pub(crate) fn crc(file: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let (before, after) = file.split_at(file.len().min(HEADER_SIZE));
    hasher.update(before.get(..HEADER_SIZE - 4).unwrap_or(before));
    hasher.update(after);
    hasher.finalize()
}
