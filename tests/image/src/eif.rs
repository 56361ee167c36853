//! An independent writer of AWS's image format. It assembles any parts, so it also writes images that `eif-build`
//! refuses.

use eif_build::cpio::{self, Entry, Node};
use eif_build::{Image, write};
use sha2::{Digest as _, Sha384};

/// The size of the file's header, in bytes.
const HEADER: usize = 548;

/// The parts of an image, which need not be valid.
#[derive(Clone)]
pub struct Parts {
    /// The kernel, a bzImage.
    pub kernel: Vec<u8>,
    /// The command line.
    pub line: Vec<u8>,
    /// The ramdisks as they are in the file. `eif-build` compresses its archive with gzip.
    pub ramdisks: Vec<Vec<u8>>,
}

impl Parts {
    /// The parts of a valid image file.
    pub fn of(file: &[u8]) -> Self {
        let image = Image::parse(file).unwrap();
        Self {
            kernel: image.kernel().to_vec(),
            line: image.command_line().as_bytes().to_vec(),
            ramdisks: vec![image.ramdisk().to_vec()],
        }
    }

    /// The file with these parts, and with correct sizes, offsets and CRC.
    pub fn file(&self) -> Vec<u8> {
        // Section types: 1 kernel, 2 command line, 5 metadata, 3 ramdisk.
        let mut sections: Vec<(u16, &[u8])> = vec![(1, &self.kernel), (2, &self.line), (5, b"{}")];
        sections.extend(self.ramdisks.iter().map(|ramdisk| (3, ramdisk.as_slice())));
        let (mut body, mut offsets, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for (number, bytes) in sections {
            offsets.push((HEADER + body.len()) as u64);
            sizes.push(bytes.len() as u64);
            body.extend(number.to_be_bytes());
            body.extend([0, 0]);
            body.extend((bytes.len() as u64).to_be_bytes());
            body.extend(bytes);
        }
        let mut file = b".eif\0\x04\0\0".to_vec();
        // The fields memory, processors, reserved, number of sections.
        file.extend((1u64 << 30).to_be_bytes());
        file.extend(2u64.to_be_bytes());
        file.extend([0, 0]);
        file.extend((sizes.len() as u16).to_be_bytes());
        for numbers in [offsets, sizes] {
            file.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
            file.extend(vec![0; (32 - numbers.len()) * 8]);
        }
        file.extend([0; 4]);
        let crc = crc32fast::hash(&[&file[..], &body].concat());
        file.extend(crc.to_be_bytes());
        file.extend(body);
        file
    }

    /// PCR0, as AWS defines it.
    pub fn pcr0(&self) -> String {
        extended(&[&self.kernel[..], &self.line, &self.ramdisks.concat()].concat())
    }

    /// PCR1, as AWS defines it.
    pub fn pcr1(&self) -> String {
        extended(&[&self.kernel[..], &self.line, &self.ramdisks[0]].concat())
    }
}

/// The value of a register that held zeros and was extended by the SHA-384 of these bytes.
///
/// AWS extends the registers of an image's parts and of a certificate in this way.
pub fn extended(bytes: &[u8]) -> String {
    extended_by(&Sha384::digest(bytes))
}

/// The value of a register that held zeros and was extended by these bytes.
///
/// AWS extends the registers of a role's ARN and of an instance id in this way.
pub fn extended_by(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha384::new_with_prefix([0; 48]).chain_update(bytes).finalize())
}

/// `bytes` with `to` instead of `from`. Both have the same length. `from` must occur exactly once.
pub fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).collect();
    let [(at, _)] = places[..] else { panic!("expected one place, found {}", places.len()) };
    let mut replaced = bytes.to_vec();
    replaced[at..at + to.len()].copy_from_slice(to);
    replaced
}

/// The image `file`, with another program at `path`.
pub fn with_program(file: &[u8], path: &str, program: &[u8]) -> Vec<u8> {
    let image = Image::parse(file).unwrap();
    let mut entries = image.entries().unwrap();
    let entry = entries.iter_mut().find(|entry| entry.path == path).unwrap();
    entry.node = Node::File(program);
    with_entries(&image, &entries)
}

/// The image `file`, with another program as `/init`. Its own `/init` is at `/pid1`.
pub fn with_init_before(file: &[u8], program: &[u8]) -> Vec<u8> {
    let image = Image::parse(file).unwrap();
    let mut entries = image.entries().unwrap();
    entries.iter_mut().find(|entry| entry.path == "init").unwrap().path = "pid1";
    entries.push(Entry { path: "init", mode: 0o555, uid: 0, gid: 0, node: Node::File(program) });
    with_entries(&image, &entries)
}

fn with_entries(image: &Image, entries: &[Entry<'_>]) -> Vec<u8> {
    let archive = cpio::write(entries).unwrap();
    let (kernel, command_line) = (image.kernel(), image.command_line());
    write(eif_build::Parts { kernel, command_line, archive: &archive }).unwrap()
}

/// The program at `path` in the image `file`.
pub fn program(file: &[u8], path: &str) -> Vec<u8> {
    let image = Image::parse(file).unwrap();
    let entry = image.entries().unwrap().into_iter().find(|entry| entry.path == path).unwrap();
    let Node::File(bytes) = entry.node else { panic!("{path} is not a regular file") };
    bytes.to_vec()
}
