//! The writer of image files.

use crate::error::Error;
use crate::gzip;
use crate::image::Image;
use crate::layout::{self, HEADER_SIZE, ORDER};

/// The parts of an unsigned image.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// An x86-64 bzImage.
    pub kernel: &'a [u8],
    /// The kernel's command line: printable ASCII, 1 to 2,047 bytes.
    pub command_line: &'a str,
    /// A canonical cpio archive, as [`crate::cpio::write`] makes it. The writer compresses it.
    pub archive: &'a [u8],
}

/// Writes an unsigned image. Equal parts always give equal bytes.
///
/// # Errors
/// Every error of [`Image::parse`]: the writer refuses parts that the reader would refuse.
pub fn write(parts: Parts<'_>) -> Result<Vec<u8>, Error> {
    assemble(parts.kernel, parts.command_line, &gzip::compress(parts.archive), None)
}

/// Writes an image with an already compressed ramdisk, and with this signature section.
///
/// The form of the signature section is checked. The signature itself is not verified.
///
/// # Errors
/// Every error of [`Image::parse`].
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
    file[HEADER_SIZE - crc.len()..HEADER_SIZE].copy_from_slice(&crc);
    // The reader has the only set of rules. What it refuses is never written.
    Image::parse(&file)?;
    Ok(file)
}
