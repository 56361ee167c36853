//! Enclave image files. The target computes the CRC, so that the parser behind it is reached.
//!
//! - An accepted image says whether it is signed, and has a signature section exactly then.
//! - An unsigned image can always be measured. A signed one can be measured only if its signature is valid; then it has
//!   PCR8, and an unsigned one has not.
//! - PCR0 equals PCR1, because the image has one ramdisk. The size is that of the file.
//! - An unsigned image whose ramdisk was compressed by `eif-build` is exactly what `write` makes of its parts.
//! - The lenient reader finds no deviation exactly in the files that the strict one accepts and measures, and then
//!   computes the same PCRs. Otherwise the strict reader's error is among the deviations. Both reports can be made.
//! - An image of the fuzzer's parts is accepted, unsigned, and has these parts.

use crate::script::next_part;
use eif_build::lenient::{Survey, report};
use eif_build::{HEADER_SIZE, Image, Parts, Section, gzip, measure, write};

/// The input is an image, or three parts: kernel, command line and archive.
pub fn check(data: &[u8]) {
    let mut file = data.to_vec();
    if file.len() >= HEADER_SIZE {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&file[..HEADER_SIZE - 4]);
        crc.update(&file[HEADER_SIZE..]);
        file[HEADER_SIZE - 4..HEADER_SIZE].copy_from_slice(&crc.finalize().to_be_bytes());
    }
    check_image(&file);
    let mut script = data;
    let [kernel, line, archive] = [(); 3].map(|()| next_part(&mut script));
    let (Some(kernel), Some(line), Some(archive)) = (kernel, line, archive) else { return };
    let kernel = bzimage(kernel);
    let Ok(command_line) = std::str::from_utf8(line) else { return };
    let parts = Parts { kernel: &kernel, command_line, archive };
    if let Ok(file) = write(parts) {
        let image = Image::parse(&file).expect("an image that was written is accepted");
        assert_eq!((image.kernel(), image.command_line(), image.archive()), (&kernel[..], command_line, archive));
        assert!(image.signature().is_none());
        check_image(&file);
    }
}

fn check_image(file: &[u8]) {
    check_lenient(file);
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
    // Another compressor's ramdisk is accepted too, but is not written again.
    if !signed && image.ramdisk() == gzip::compress(image.archive()) {
        let parts = Parts { kernel: image.kernel(), command_line: image.command_line(), archive: image.archive() };
        assert_eq!(write(parts).ok().as_deref(), Some(file));
    }
}

fn check_lenient(file: &[u8]) {
    let strict = measure(file);
    let survey = match Survey::of(file) {
        Ok(survey) => survey,
        Err(error) => {
            assert_eq!(strict.err(), Some(error));
            return;
        }
    };
    match strict {
        Ok(measured) => {
            assert!(survey.deviations().is_empty());
            assert_eq!(survey.pcrs().ok().map(|pcrs| pcrs.pcr0), Some(measured.pcr0));
        }
        Err(error) => assert!(survey.deviations().contains(&error)),
    }
    assert!(report::json(&survey).is_object());
    let text = report::text(&survey);
    assert!(text.chars().all(|shown| shown == '\n' || !shown.is_control()));
}

/// Returns the smallest kernel image that `write` accepts and that ends with `content`, padded to 16 bytes.
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
