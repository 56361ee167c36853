//! The strict reader.
//!
//! AWS's reader walks the sections one after the other, the hypervisor follows the header's offsets; where
//! the two could differ, this one refuses. Nothing is allocated by a claimed size, and nothing copied but the
//! archive that the ramdisk is unpacked to: an [`Image`] borrows from the file.

use crate::cose::Signature;
use crate::cpio::{self, Entry, MAX_ARCHIVE};
use crate::error::Error;
use crate::gzip;
use crate::kernel;
use crate::layout::{self, HEADER, MAX_FILE, ORDER, SECTION_HEADER, SLOTS, Section};

/// An image whose layout, CRC and parts have been checked. A signature's *form* too; whether it holds is
/// for [`crate::measure()`] to say.
#[derive(Debug)]
pub struct Image<'a> {
    file: &'a [u8],
    kernel: &'a [u8],
    command_line: &'a str,
    ramdisk: &'a [u8],
    archive: Vec<u8>,
    signature: Option<(&'a [u8], Signature)>,
}

impl<'a> Image<'a> {
    /// Reads a whole file.
    ///
    /// In this order: size, magic, version, flags, the header's constants, each section's type, place,
    /// sizes and offset, the end, the CRC; then metadata, kernel, command line, ramdisk, signature.
    ///
    /// # Errors
    /// The first of these that is not exactly as [`crate::write`] would have written it; of the ramdisk only the deflate
    /// stream may be another compressor's.
    pub fn parse(file: &'a [u8]) -> Result<Self, Error> {
        if file.len() as u64 > MAX_FILE {
            return Err(Error::FileTooLarge { limit: MAX_FILE });
        }
        let header = Header::parse(file)?;
        let sections = header.sections(file)?;
        let computed = layout::crc(file);
        if header.crc != computed {
            return Err(Error::WrongCrc { computed, found: header.crc });
        }
        let missing = |section| Error::MissingSection { section };
        let [kernel, line, metadata, ramdisk, rest @ ..] = sections.as_slice() else {
            return Err(missing(ORDER.get(sections.len()).copied().unwrap_or(Section::Ramdisk)));
        };
        if *metadata != layout::METADATA {
            return Err(Error::MetadataNotCanonical);
        }
        kernel::check(kernel)?;
        let signature = match rest.first() {
            Some(bytes) => Some((*bytes, Signature::from_section(bytes)?)),
            None => None,
        };
        let command_line = command_line(line)?;
        let archive = gzip::expand(ramdisk, MAX_ARCHIVE)?;
        cpio::read(&archive)?;
        Ok(Self { file, kernel, command_line, ramdisk, archive, signature })
    }

    /// The whole file.
    pub fn file(&self) -> &'a [u8] {
        self.file
    }

    /// The bzImage.
    pub fn kernel(&self) -> &'a [u8] {
        self.kernel
    }

    /// The kernel's command line, printable ASCII.
    pub fn command_line(&self) -> &'a str {
        self.command_line
    }

    /// The one ramdisk as it lies in the file: a cpio archive, compressed by gzip.
    pub fn ramdisk(&self) -> &'a [u8] {
        self.ramdisk
    }

    /// The cpio archive that the ramdisk is, at most [`MAX_ARCHIVE`] bytes.
    pub fn archive(&self) -> &[u8] {
        &self.archive
    }

    /// What the archive holds, sorted by path.
    ///
    /// # Errors
    /// None that can occur: the archive has been read once.
    pub fn entries(&self) -> Result<Vec<Entry<'_>>, Error> {
        cpio::read(&self.archive)
    }

    /// The signature, not yet verified.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref().map(|(_, signature)| signature)
    }

    /// The sections in the order of the file.
    pub fn sections(&self) -> Vec<(Section, &'a [u8])> {
        let parts = [self.kernel, self.command_line.as_bytes(), layout::METADATA, self.ramdisk];
        let signature = self.signature.iter().map(|(bytes, _)| *bytes);
        ORDER.into_iter().zip(parts.into_iter().chain(signature)).collect()
    }
}

/// The header's fields that are not constant.
struct Header {
    count: usize,
    offsets: [u64; SLOTS],
    sizes: [u64; SLOTS],
    crc: u32,
}

impl Header {
    fn parse(file: &[u8]) -> Result<Self, Error> {
        if !file.starts_with(&layout::MAGIC) {
            return Err(Error::NotAnEif);
        }
        let mut fields = Fields { rest: slice(file, 0, HEADER as u64)? };
        let _magic: [u8; 4] = fields.take()?;
        let version = fields.u16()?;
        if version != layout::VERSION {
            return Err(Error::UnsupportedVersion { found: version });
        }
        let flags = fields.u16()?;
        if flags != layout::FLAGS {
            return Err(Error::UnknownFlags { found: flags });
        }
        let canonical = |field, holds: bool| if holds { Ok(()) } else { Err(Error::HeaderNotCanonical { field }) };
        canonical("default_mem", fields.u64()? == layout::DEFAULT_MEMORY)?;
        canonical("default_cpus", fields.u64()? == layout::DEFAULT_CPUS)?;
        canonical("reserved", fields.u16()? == 0)?;
        let found = fields.u16()?;
        let count = usize::from(found);
        if count > SLOTS {
            return Err(Error::SectionCount { found });
        }
        let offsets = fields.slots()?;
        let sizes = fields.slots()?;
        let unused = |slots: &[u64; SLOTS]| slots.iter().skip(count).all(|value| *value == 0);
        canonical("section_offsets", unused(&offsets))?;
        canonical("section_sizes", unused(&sizes))?;
        canonical("unused", fields.u32()? == 0)?;
        Ok(Self { count, offsets, sizes, crc: fields.u32()? })
    }

    /// The sections' bodies, walked in sequence and held against the header's offsets and sizes.
    fn sections<'a>(&self, file: &'a [u8]) -> Result<Vec<&'a [u8]>, Error> {
        let mut bodies = Vec::new();
        let mut at = HEADER as u64;
        for (slot, (found, size)) in self.offsets.into_iter().zip(self.sizes).take(self.count).enumerate() {
            if found != at {
                return Err(Error::WrongOffset { slot, expected: at, found });
            }
            let head = slice(file, at, SECTION_HEADER as u64)?;
            at += SECTION_HEADER as u64;
            check_section_header(head, slot, size)?;
            bodies.push(slice(file, at, size)?);
            at += size;
        }
        if at != file.len() as u64 {
            return Err(Error::TrailingBytes { end: at, size: file.len() as u64 });
        }
        Ok(bodies)
    }
}

/// Type, flags and size of the section in `slot`, of which the file's header says that it has `size` bytes.
fn check_section_header(head: &[u8], slot: usize, size: u64) -> Result<(), Error> {
    let mut fields = Fields { rest: head };
    let number = fields.u16()?;
    let section = Section::from_type(number).ok_or(Error::UnknownSection { slot, found: number })?;
    if ORDER.iter().take(slot).any(|before| *before == section) {
        return Err(Error::DuplicateSection { section });
    }
    if ORDER.get(slot) != Some(&section) {
        return Err(Error::SectionOrder { slot, found: section });
    }
    let flags = fields.u16()?;
    if flags != layout::FLAGS {
        return Err(Error::UnknownFlags { found: flags });
    }
    let section_header = fields.u64()?;
    if section_header != size {
        return Err(Error::SectionSize { section, header: size, section_header });
    }
    if size == 0 {
        return Err(Error::EmptySection { section });
    }
    if size > section.limit() {
        return Err(Error::SectionTooLarge { section, size, limit: section.limit() });
    }
    Ok(())
}

/// Big-endian integers, one after the other.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let size = self.rest.len() as u64;
        let (head, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated { needed: N as u64, size })?;
        self.rest = rest;
        Ok(*head)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    fn slots(&mut self) -> Result<[u64; SLOTS], Error> {
        let mut slots = [0; SLOTS];
        for slot in &mut slots {
            *slot = self.u64()?;
        }
        Ok(slots)
    }
}

fn command_line(line: &[u8]) -> Result<&str, Error> {
    match line.iter().position(|byte| !(b' '..=b'~').contains(byte)) {
        Some(at) => Err(Error::CommandLine { at }),
        None => std::str::from_utf8(line).map_err(|error| Error::CommandLine { at: error.valid_up_to() }),
    }
}

/// `size` bytes from `at`; both are far below 2^63 here.
fn slice(file: &[u8], at: u64, size: u64) -> Result<&[u8], Error> {
    let end = at.saturating_add(size);
    let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
    range.and_then(|(at, end)| file.get(at..end)).ok_or(Error::Truncated { needed: end, size: file.len() as u64 })
}
