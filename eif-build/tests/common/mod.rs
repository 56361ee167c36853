//! A small valid image, and a builder that checks nothing and therefore also builds invalid images.
#![allow(dead_code, clippy::unwrap_used)]

use eif_build::cpio::{self, Entry, Node};
use eif_build::{Parts, gzip};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// The size of the header. It is written here again, so that the tests do not depend on the code under test.
pub const HEADER: usize = 548;
/// The offset of the CRC.
pub const CRC_AT: usize = HEADER - 4;
/// A command line.
pub const LINE: &str = "reboot=k panic=30 console=ttyS0";
/// 2025-06-01 as Unix time. The certificates of these tests are valid then.
pub const THEN: i64 = 1_748_736_000;

pub const KERNEL: u16 = 1;
pub const CMDLINE: u16 = 2;
pub const RAMDISK: u16 = 3;
pub const SIGNATURE: u16 = 4;
pub const METADATA: u16 = 5;

/// The number and the body of each section, in the order of the file.
pub type Sections = Vec<(u16, Vec<u8>)>;

/// A file that only declares its length as a bzImage does: two sectors and `paragraphs` of 16 bytes.
pub fn kernel(paragraphs: u32) -> Vec<u8> {
    let mut kernel = vec![0x90; 1024 + 16 * paragraphs as usize];
    kernel[0x1f1] = 1;
    kernel[0x1f4..0x1f8].copy_from_slice(&paragraphs.to_le_bytes());
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel
}

pub fn entries() -> Vec<Entry<'static>> {
    let entry = |path, mode, node| Entry { path, mode, uid: 0, gid: 0, node };
    vec![
        entry("init", 0o755, Node::File(b"\x7fELF, or nearly")),
        entry("dev", 0o755, Node::Directory),
        entry("dev/console", 0o600, Node::CharDevice { major: 5, minor: 1 }),
        entry("dev-null", 0o777, Node::Symlink("dev/null")),
        Entry { path: "core", mode: 0o500, uid: 1, gid: 2, node: Node::File(b"") },
    ]
}

pub fn archive() -> Vec<u8> {
    cpio::write(&entries()).unwrap()
}

/// The ramdisk as it is in the file.
pub fn ramdisk() -> Vec<u8> {
    gzip::compress(&archive())
}

/// A ramdisk in a stored block, as another compressor could write it.
pub fn stored_ramdisk() -> Vec<u8> {
    let archive = archive();
    member(&ramdisk()[..10], &stored(true, &archive), crc32fast::hash(&archive), archive.len() as u32)
}

/// A gzip member with this header, deflate stream, CRC and size.
pub fn member(header: &[u8], stream: &[u8], crc: u32, size: u32) -> Vec<u8> {
    [header, stream, &crc.to_le_bytes(), &size.to_le_bytes()].concat()
}

/// A stored block (RFC 1951, 3.2.4).
pub fn stored(last: bool, bytes: &[u8]) -> Vec<u8> {
    let size = bytes.len() as u16;
    [&[u8::from(last)], &size.to_le_bytes()[..], &(!size).to_le_bytes(), bytes].concat()
}

pub fn image() -> Vec<u8> {
    let (kernel, archive) = (kernel(3), archive());
    eif_build::write(Parts { kernel: &kernel, command_line: LINE, archive: &archive }).unwrap()
}

/// The sections of a valid image. A test changes them and calls [`assemble`].
pub fn sections(file: &[u8]) -> Sections {
    let mut sections = Vec::new();
    let mut rest = &file[HEADER..];
    while !rest.is_empty() {
        let kind = u16::from_be_bytes([rest[0], rest[1]]);
        let size = u64::from_be_bytes(rest[4..12].try_into().unwrap()) as usize;
        sections.push((kind, rest[12..12 + size].to_vec()));
        rest = &rest[12 + size..];
    }
    sections
}

/// A file with these sections in this order, and with correct headers for them.
pub fn assemble(sections: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut file = b".eif\0\x04\0\0".to_vec();
    file.extend((1u64 << 30).to_be_bytes());
    file.extend(2u64.to_be_bytes());
    file.extend(0u16.to_be_bytes());
    file.extend((sections.len() as u16).to_be_bytes());
    let mut offsets = [0u64; 32];
    let mut sizes = [0u64; 32];
    let mut at = HEADER as u64;
    for (slot, (_, body)) in sections.iter().enumerate() {
        (offsets[slot], sizes[slot]) = (at, body.len() as u64);
        at += 12 + body.len() as u64;
    }
    file.extend(offsets.iter().chain(&sizes).flat_map(|value| value.to_be_bytes()));
    file.extend([0; 8]);
    for (kind, body) in sections {
        file.extend(kind.to_be_bytes());
        file.extend([0; 2]);
        file.extend((body.len() as u64).to_be_bytes());
        file.extend(body);
    }
    repair_crc(&mut file);
    file
}

/// Writes the correct CRC into the header.
pub fn repair_crc(file: &mut [u8]) {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file[..CRC_AT]);
    hasher.update(&file[HEADER..]);
    file[CRC_AT..HEADER].copy_from_slice(&hasher.finalize().to_be_bytes());
}

/// The position of a section's offset in the header. The section's size is 256 bytes after it.
pub fn offset_field(slot: usize) -> usize {
    28 + 8 * slot
}

/// A key and its certificate, both in PEM. The certificate is valid through 2025.
pub fn signer(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2026, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem().replace("\r\n", "\n"))
}
