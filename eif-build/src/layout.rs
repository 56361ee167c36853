//! The layout: what is constant, and how the headers are written.
//!
//! Format: AWS's crate `aws-nitro-enclaves-image-format`, EIF version 4. A header of 548 bytes, then the
//! sections one after the other, each behind a header of 12 bytes; every integer is big-endian. Of all that
//! the format allows this crate writes and reads one layout: a file follows from kernel, command line,
//! ramdisk and signature alone.

use std::fmt;

/// The most bytes of a file.
pub const MAX_FILE: u64 = 129 << 20;
/// The header's size in bytes.
pub const HEADER: usize = 548;
/// The size in bytes of the header in front of each section.
pub const SECTION_HEADER: usize = 12;

pub(crate) const MAGIC: [u8; 4] = *b".eif";
pub(crate) const VERSION: u16 = 4;
/// Bit 0 would be arm64; x86-64 is no flag.
pub(crate) const FLAGS: u16 = 0;
/// AWS's builder writes these two always; whoever starts an enclave names his own.
pub(crate) const DEFAULT_MEMORY: u64 = 1 << 30;
pub(crate) const DEFAULT_CPUS: u64 = 2;
/// Sections that the header has room for.
pub(crate) const SLOTS: usize = 32;

/// AWS's tools want build information in JSON. No PCR covers it, so it says nothing that could be believed:
/// these bytes, for every image.
pub(crate) const METADATA: &[u8] = br#"{"ImageName":"capelet","ImageVersion":"1","BuildMetadata":{"BuildTime":"1970-01-01T00:00:00+00:00","BuildTool":"eif-build","BuildToolVersion":"1","OperatingSystem":"Linux","KernelVersion":"Unknown"},"DockerInfo":null,"CustomMetadata":null}"#;

/// A section of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The bzImage.
    Kernel,
    /// The kernel's command line.
    CommandLine,
    /// Build information for AWS's tools, constant here.
    Metadata,
    /// The one ramdisk, a cpio archive compressed by gzip.
    Ramdisk,
    /// Signature over PCR0, with its certificate.
    Signature,
}

/// The order of the sections, AWS's builder's. The signature may be absent.
pub(crate) const ORDER: [Section; 5] =
    [Section::Kernel, Section::CommandLine, Section::Metadata, Section::Ramdisk, Section::Signature];

impl Section {
    pub(crate) fn from_type(number: u16) -> Option<Self> {
        ORDER.into_iter().find(|section| section.number() == number)
    }

    /// AWS's number for it.
    fn number(self) -> u16 {
        match self {
            Self::Kernel => 1,
            Self::CommandLine => 2,
            Self::Ramdisk => 3,
            Self::Signature => 4,
            Self::Metadata => 5,
        }
    }

    /// The most bytes that it may have.
    pub fn limit(self) -> u64 {
        match self {
            Self::Kernel => 64 << 20,
            // COMMAND_LINE_SIZE of Linux on x86 is 2,048 with the NUL.
            Self::CommandLine => 2047,
            // More than the constant has, so that another tool's metadata is called by its name.
            Self::Metadata => 64 << 10,
            Self::Ramdisk => 64 << 20,
            Self::Signature => 32 << 10,
        }
    }

    /// Its name in reports.
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

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The header of a file with sections of these sizes, its CRC (the last four bytes) left zero.
pub(crate) fn header(sizes: &[u64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER);
    out.extend(MAGIC);
    out.extend(VERSION.to_be_bytes());
    out.extend(FLAGS.to_be_bytes());
    out.extend(DEFAULT_MEMORY.to_be_bytes());
    out.extend(DEFAULT_CPUS.to_be_bytes());
    out.extend([0; 2]);
    out.extend((sizes.len() as u16).to_be_bytes());
    let mut at = HEADER as u64;
    for slot in 0..SLOTS {
        let offset = sizes.get(slot).map_or(0, |size| {
            let here = at;
            at += SECTION_HEADER as u64 + size;
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
pub(crate) fn section_header(section: Section, size: u64) -> [u8; SECTION_HEADER] {
    let mut out = [0; SECTION_HEADER];
    out[..2].copy_from_slice(&section.number().to_be_bytes());
    out[2..4].copy_from_slice(&FLAGS.to_be_bytes());
    out[4..].copy_from_slice(&size.to_be_bytes());
    out
}

/// CRC32 (ISO-HDLC) over the file without the four bytes that hold it.
pub(crate) fn crc(file: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let (before, after) = file.split_at(file.len().min(HEADER));
    hasher.update(before.get(..HEADER - 4).unwrap_or(before));
    hasher.update(after);
    hasher.finalize()
}
