//! The writer: parts in, a file out.

use crate::error::Error;
use crate::gzip;
use crate::layout::{self, HEADER, MAX_FILE, ORDER, SECTION_HEADER};
use crate::read::Image;

/// What an image is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// An x86-64 bzImage.
    pub kernel: &'a [u8],
    /// The kernel's command line, printable ASCII, 1 to 2,047 bytes.
    pub command_line: &'a str,
    /// A canonical cpio archive, as [`crate::cpio::write`] makes it; the writer compresses it.
    pub archive: &'a [u8],
}

/// An unsigned image of these parts: the same bytes for the same parts, always.
///
/// # Errors
/// Whatever [`Image::parse`] finds wrong with the parts.
pub fn write(parts: Parts<'_>) -> Result<Vec<u8>, Error> {
    assemble(parts.kernel, parts.command_line, &gzip::compress(parts.archive), None)
}

/// An image with the ramdisk as it lies in the file, and the signature section given, which is checked for its form only.
pub(crate) fn assemble(
    kernel: &[u8],
    command_line: &str,
    ramdisk: &[u8],
    signature: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let bodies = [kernel, command_line.as_bytes(), layout::METADATA, ramdisk];
    let sections: Vec<_> = ORDER.into_iter().zip(bodies.into_iter().chain(signature)).collect();
    for (section, body) in &sections {
        let (size, limit) = (body.len() as u64, section.limit());
        if size > limit {
            return Err(Error::SectionTooLarge { section: *section, size, limit });
        }
    }
    let sizes: Vec<u64> = sections.iter().map(|(_, body)| body.len() as u64).collect();
    let mut file = layout::header(&sizes);
    for (section, body) in sections {
        file.extend(layout::section_header(section, body.len() as u64));
        file.extend(body);
    }
    let crc = layout::crc(&file).to_be_bytes();
    file[HEADER - crc.len()..HEADER].copy_from_slice(&crc);
    // One set of rules: what the reader refuses is never written.
    Image::parse(&file)?;
    Ok(file)
}

/// The limits of the sections keep every file below the limit of the file.
const _: () = assert!((64 << 20) + (64 << 20) + (128 << 10) + HEADER + 5 * SECTION_HEADER < MAX_FILE as usize);
