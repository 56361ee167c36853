//! Images and the archives in them.

use super::part;
use eif_build::layout::{HEADER, Section};
use eif_build::write::{Parts, write};
use eif_build::{Image, gzip, measure};

/// What is read is what would have been written.
pub fn cpio(data: &[u8]) {
    if let Ok(entries) = eif_build::cpio::read(data) {
        assert_eq!(eif_build::cpio::write(&entries).ok().as_deref(), Some(data));
    }
}

/// A deflate stream, CRC and size that are the fuzzer's behind the one header; and there and back.
pub fn gzip(data: &[u8]) {
    const LIMIT: u64 = 1 << 20;
    let compressed = gzip::compress(data);
    assert_eq!(gzip::expand(&compressed, data.len() as u64).as_deref(), Ok(data));
    if let Ok(bytes) = gzip::expand(&[&compressed[..10], data].concat(), LIMIT) {
        assert!(bytes.len() as u64 <= LIMIT);
    }
}

/// The bytes with the CRC that they should have; then an image of parts that are the fuzzer's.
pub fn eif(data: &[u8]) {
    let mut file = data.to_vec();
    if file.len() >= HEADER {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&file[..HEADER - 4]);
        crc.update(&file[HEADER..]);
        file[HEADER - 4..HEADER].copy_from_slice(&crc.finalize().to_be_bytes());
    }
    judge(&file);
    let mut script = data;
    let (Some(kernel), Some(line), Some(archive)) = (part(&mut script), part(&mut script), part(&mut script)) else {
        return;
    };
    let kernel = bzimage(kernel);
    let Ok(command_line) = std::str::from_utf8(line) else { return };
    let parts = Parts { kernel: &kernel, command_line, archive };
    if let Ok(file) = write(parts) {
        let image = Image::parse(&file).expect("an image that was written");
        assert_eq!((image.kernel(), image.command_line(), image.archive()), (&kernel[..], command_line, archive));
        assert!(image.signature().is_none());
        judge(&file);
    }
}

/// An image is what its parts make; without a signature its measurements follow, with one only if it holds.
fn judge(file: &[u8]) {
    let Ok(image) = Image::parse(file) else { return };
    let sections = image.sections();
    let signed = sections.iter().any(|(section, _)| *section == Section::Signature);
    assert_eq!(signed, image.signature().is_some());
    match measure(file) {
        Ok(measured) => {
            assert_eq!((measured.pcr0, measured.file.size), (measured.pcr1, file.len() as u64));
            assert_eq!(measured.pcr8.is_some(), signed);
        }
        Err(_) => assert!(signed),
    }
    // Another compressor's ramdisk is read too.
    if !signed && image.ramdisk() == gzip::compress(image.archive()) {
        let parts = Parts { kernel: image.kernel(), command_line: image.command_line(), archive: image.archive() };
        assert_eq!(write(parts).ok().as_deref(), Some(file));
    }
}

/// The smallest kernel whose own length is right, with these bytes at its end.
fn bzimage(content: &[u8]) -> Vec<u8> {
    let mut kernel = vec![0; 1024];
    let paragraphs = content.len().div_ceil(16);
    kernel[0x1f1] = 1;
    kernel[0x1f4..0x1f8].copy_from_slice(&(paragraphs as u32).to_le_bytes());
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel.extend_from_slice(content);
    kernel.resize(1024 + paragraphs * 16, 0);
    kernel
}
