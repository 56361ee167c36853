//! Encrypted files: "CPLT" ‖ u32be length ‖ header ‖ enc ‖ stream. Nobody is authenticated as their sender.

use crate::cbor::{Reader, Writer};
use crate::claims::SUITE;
use crate::crypto::Crypto;
use crate::seal::{self, ENC_LEN, KemSecret, PUBLIC_LEN};
use crate::stream::{self, Secret};
use crate::{Error, Part, digest, object, vault};
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// First entry of a header.
const CIPHERTEXT: &str = "capelet/1/ciphertext";
/// What an encrypted file begins with.
const MAGIC: [u8; 4] = *b"CPLT";
/// The most checksums of one header.
pub const MAX_CHECKSUMS: u64 = 1024;

/// Whose vault a file is for, and which functions may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiphertextHeader {
    /// The vault's owner.
    pub owner: [u8; 32],
    /// The vault key's name.
    pub kid: [u8; 32],
    /// Checksums of the functions that may read it, ascending; none: any function of the owner.
    pub checksums: Option<Vec<[u8; 32]>>,
}

impl CiphertextHeader {
    /// Reads a header.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, Part::Ciphertext)?;
        reader.map(5)?;
        reader.key(1)?;
        reader.literal(CIPHERTEXT)?;
        reader.key(2)?;
        if reader.uint()? != SUITE {
            return Err(Error::Malformed(Part::Ciphertext));
        }
        reader.key(3)?;
        let owner = reader.fixed()?;
        reader.key(4)?;
        let kid = reader.fixed()?;
        reader.key(5)?;
        let checksums = if reader.peek()? == minicbor::data::Type::Array {
            let count = reader.any_array()?;
            if count > MAX_CHECKSUMS {
                return Err(Error::TooLarge(Part::Ciphertext));
            }
            Some((0..count).map(|_| reader.fixed()).collect::<Result<_, _>>()?)
        } else {
            // The number 0, not as a key: any function.
            reader.key(0)?;
            None
        };
        reader.end()?;
        let header = Self { owner, kid, checksums };
        header.check()?;
        Ok(header)
    }

    /// The header's bytes. [`Error::Malformed`] (`Part::Ciphertext`) unless the checksums are ascending, at least
    /// one and at most [`MAX_CHECKSUMS`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut writer = Writer::new();
        writer.map(5).uint(1).text(CIPHERTEXT).uint(2).uint(SUITE).uint(3).bytes(&self.owner);
        writer.uint(4).bytes(&self.kid).uint(5);
        match &self.checksums {
            None => {
                writer.uint(0);
            }
            Some(checksums) => {
                writer.array(checksums.len() as u64);
                for checksum in checksums {
                    writer.bytes(checksum);
                }
            }
        }
        Ok(writer.finish())
    }

    fn check(&self) -> Result<(), Error> {
        let holds = self.checksums.as_ref().is_none_or(|checksums| {
            (1..=MAX_CHECKSUMS).contains(&(checksums.len() as u64)) && checksums.is_sorted_by(|a, b| a < b)
        });
        if holds { Ok(()) } else { Err(Error::Malformed(Part::Ciphertext)) }
    }
}

/// HPKE's `info` for a file, and its stream's associated data.
fn info(header: &[u8]) -> (Vec<u8>, [u8; 48]) {
    let aad = digest::sha384(&[header]);
    ([b"capelet/1/file-info\0".as_slice(), &aad].concat(), aad)
}

/// An encrypted file that is being made: what it begins with, and what its stream is sealed with.
#[derive(Debug)]
pub struct Encryption {
    /// Everything before the stream.
    pub prefix: Vec<u8>,
    /// The stream's secret.
    pub secret: Secret,
    /// The stream's associated data.
    pub aad: [u8; 48],
}

/// Begins a file for the vault key `key`, whose name the header must have: else [`Error::WrongKey`]. `entropy` is
/// fresh and used for nothing else.
pub fn begin(header: &CiphertextHeader, key: &[u8; PUBLIC_LEN], entropy: &[u8; 64]) -> Result<Encryption, Error> {
    if header.kid != vault::kid(key) {
        return Err(Error::WrongKey);
    }
    let header = header.encode()?;
    let (info, aad) = info(&header);
    let (enc, exporter) = seal::send(entropy, key, &info)?;
    let mut prefix = object::with_magic(MAGIC, &header, Part::Ciphertext)?;
    prefix.extend_from_slice(&enc);
    Ok(Encryption { prefix, secret: Secret::new(exporter.export(b"capelet/1/stream")), aad })
}

/// An encrypted file, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext<'a> {
    /// The header.
    pub header: CiphertextHeader,
    /// The header, as it stands in the file.
    pub header_bytes: &'a [u8],
    enc: &'a [u8; ENC_LEN],
    stream: &'a [u8],
}

impl<'a> Ciphertext<'a> {
    /// Takes a file apart.
    pub fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let (header_bytes, rest) = object::split_magic(MAGIC, file, Part::Ciphertext)?;
        let header = CiphertextHeader::parse(header_bytes)?;
        let (enc, stream) = rest.split_first_chunk().ok_or(Error::Malformed(Part::Ciphertext))?;
        Ok(Self { header, header_bytes, enc, stream })
    }

    /// Opens the file with the vault key of `owner`. The names are compared first: [`Error::WrongOwner`],
    /// [`Error::WrongKey`]; everything else is [`Error::CannotOpen`].
    pub fn open<C: Crypto>(&self, owner: &[u8; 32], key: &KemSecret) -> Result<Zeroizing<Vec<u8>>, Error> {
        if self.header.owner != *owner {
            return Err(Error::WrongOwner);
        }
        if self.header.kid != vault::kid(&key.public()) {
            return Err(Error::WrongKey);
        }
        let (info, aad) = info(self.header_bytes);
        let exporter = seal::receive(key, self.enc, &info)?;
        stream::open_bytes::<C>(Secret::new(exporter.export(b"capelet/1/stream")), &aad, self.stream)
    }
}
