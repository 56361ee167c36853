//! The strict reader of image files.
//!
//! AWS's reader walks the sections in sequence. The hypervisor follows the header's offsets. This reader refuses a file
//! on which the two could disagree.
//!
//! A claimed size is compared with the bytes present before memory is allocated for it. An [`Image`] borrows from the
//! file. Only the unpacked archive is a copy.

use crate::bzimage;
use crate::cpio::{self, Entry, MAX_ARCHIVE};
use crate::error::Error;
use crate::fields::{Fields, slice};
use crate::gzip;
use crate::layout::{self, HEADER_SIZE, MAX_FILE, ORDER, SECTION_HEADER_SIZE, SLOTS, Section};
use crate::signature::Signature;

/// An image file that was read.
///
/// A value of this type proves that layout, CRC and all parts are in the form that [`crate::write()`] produces. A
/// deflate stream of another compressor is the only exception. The form of a signature was checked too. The signature
/// was not verified: see [`crate::measure()`].
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
    /// The checks come in this order: size, magic, version, flags and constants of the header; type, place, sizes and
    /// offset of each section; the end and the CRC of the file; then metadata, kernel, signature, command line,
    /// ramdisk.
    ///
    /// # Errors
    /// The first check that failed. `FileTooLarge` to `WrongCrc` concern the layout. `MetadataNotCanonical`,
    /// `CommandLine`, `NotAKernel`, `KernelLength`, the errors of [`gzip::expand`] and of [`cpio::read`],
    /// `SignatureMalformed`, `BadCertificate` and `CertificateKey` concern the parts.
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
        bzimage::check_length(kernel)?;
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

    /// The kernel, a bzImage.
    pub fn kernel(&self) -> &'a [u8] {
        self.kernel
    }

    /// The kernel's command line, printable ASCII.
    pub fn command_line(&self) -> &'a str {
        self.command_line
    }

    /// The ramdisk as it is in the file: a cpio archive, compressed by gzip.
    pub fn ramdisk(&self) -> &'a [u8] {
        self.ramdisk
    }

    /// The unpacked ramdisk: a cpio archive of at most [`MAX_ARCHIVE`] bytes.
    pub fn archive(&self) -> &[u8] {
        &self.archive
    }

    /// The entries of the archive, sorted by path.
    ///
    /// # Errors
    /// Never: [`Image::parse`] has already read the archive.
    pub fn entries(&self) -> Result<Vec<Entry<'_>>, Error> {
        cpio::read(&self.archive)
    }

    /// The signature, which is not verified. `None` if the image is not signed.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref().map(|(_, signature)| signature)
    }

    /// Checks that the signer's certificate is valid at `at`, a Unix time in seconds.
    ///
    /// The hypervisor does not start a signed image outside the validity of its certificate. An image that is not signed
    /// passes. The signature is not verified.
    ///
    /// # Errors
    /// [`Error::CertificateNotYetValid`], [`Error::CertificateExpired`].
    pub fn check_certificate_time(&self, at: i64) -> Result<(), Error> {
        self.signature().map_or(Ok(()), |signature| signature.certificate.check_time(at))
    }

    /// The sections in the order of the file.
    pub fn sections(&self) -> Vec<(Section, &'a [u8])> {
        let parts = [self.kernel, self.command_line.as_bytes(), layout::METADATA, self.ramdisk];
        let signature = self.signature.iter().map(|(bytes, _)| *bytes);
        ORDER.into_iter().zip(parts.into_iter().chain(signature)).collect()
    }
}

/// The fields of the file's header that are not constant.
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
        let mut fields = Fields::new(slice(file, 0, HEADER_SIZE as u64)?);
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

    /// The bodies of the sections. The sections are walked in sequence and compared with the header's offsets and
    /// sizes.
    fn sections<'a>(&self, file: &'a [u8]) -> Result<Vec<&'a [u8]>, Error> {
        let mut bodies = Vec::new();
        let mut at = HEADER_SIZE as u64;
        for (slot, (found, size)) in self.offsets.into_iter().zip(self.sizes).take(self.count).enumerate() {
            if found != at {
                return Err(Error::WrongOffset { slot, expected: at, found });
            }
            let head = slice(file, at, SECTION_HEADER_SIZE as u64)?;
            at += SECTION_HEADER_SIZE as u64;
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

/// Checks type, flags and size in the header of the section in `slot`. By the file's header the section has `size`
/// bytes.
fn check_section_header(head: &[u8], slot: usize, size: u64) -> Result<(), Error> {
    let mut fields = Fields::new(head);
    let number = fields.u16()?;
    let section = Section::from_number(number).ok_or(Error::UnknownSection { slot, found: number })?;
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

/// Checks that a command line is printable ASCII.
pub(crate) fn command_line(line: &[u8]) -> Result<&str, Error> {
    match line.iter().position(|byte| !(b' '..=b'~').contains(byte)) {
        Some(at) => Err(Error::CommandLine { at }),
        None => std::str::from_utf8(line).map_err(|error| Error::CommandLine { at: error.valid_up_to() }),
    }
}
