//! Encrypted files: "CPLT" ‖ u32be length ‖ header ‖ enc ‖ stream. Their sender is not authenticated.

use crate::attestation::SUITE;
use crate::crypto::{COMMITMENT_LEN, Crypto, ENC_LEN, KemSecret, Secret, decap, open_bytes, sha384};
#[cfg(feature = "outside")]
use crate::encoding::Writer;
use crate::encoding::{Reader, SecretVec};
use crate::objects::with_head;
use crate::types::{Checksum, Kid, OwnerKey};
use crate::{Error, MessageKind};
use alloc::vec::Vec;

/// First entry of a header.
const CIPHERTEXT: &str = "capelet/1/ciphertext";
const MAGIC: [u8; 4] = *b"CPLT";
/// The most checksums in one header.
pub const MAX_CHECKSUMS: u64 = 1024;

const MALFORMED: Error = Error::Malformed(MessageKind::Ciphertext);

/// Whose vault a file is for, and which functions may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiphertextHeader {
    /// The vault's owner.
    pub owner: OwnerKey,
    /// The vault key's name.
    pub kid: Kid,
    /// Checksums of the functions that may read the file, ascending; `None` for any function of the vault's owner.
    pub checksums: Option<Vec<Checksum>>,
}

impl CiphertextHeader {
    /// Reads a header.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Ciphertext`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, MessageKind::Ciphertext)?;
        reader.map(5)?.key(1)?.literal(CIPHERTEXT)?;
        if reader.key(2)?.uint()? != SUITE {
            return Err(MALFORMED);
        }
        let (owner, kid) = (reader.key(3)?.fixed()?, reader.key(4)?.fixed()?);
        let checksums = if reader.key(5)?.peek()? == minicbor::data::Type::Array {
            let count = reader.any_array()?;
            if count > MAX_CHECKSUMS {
                return Err(Error::TooLarge(MessageKind::Ciphertext));
            }
            Some((0..count).map(|_| reader.fixed()).collect::<Result<_, _>>()?)
        } else {
            // The value 0 in place of a list: any function of the owner.
            reader.key(0)?;
            None
        };
        reader.end()?;
        let header = Self { owner, kid, checksums };
        header.check()?;
        Ok(header)
    }

    /// The header's bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Ciphertext`] unless the checksums ascend, at least one and at most
    /// [`MAX_CHECKSUMS`].
    #[cfg(feature = "outside")]
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut writer = Writer::new();
        writer.map(5).uint(1).text(CIPHERTEXT).uint(2).uint(SUITE).uint(3).bytes(self.owner);
        writer.uint(4).bytes(self.kid).uint(5);
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
        let valid = self.checksums.as_ref().is_none_or(|checksums| {
            (1..=MAX_CHECKSUMS).contains(&(checksums.len() as u64)) && checksums.is_sorted_by(|a, b| a < b)
        });
        if valid { Ok(()) } else { Err(MALFORMED) }
    }
}

/// HPKE's `info` for a file, and the associated data of its stream.
fn info(header: &[u8]) -> (Vec<u8>, [u8; 48]) {
    let aad = sha384(&[header]);
    ([b"capelet/1/file-info\0".as_slice(), &aad].concat(), aad)
}

/// The beginning of an encrypted file, and what its stream is sealed with.
#[cfg(feature = "outside")]
#[derive(Debug)]
pub struct Encryption {
    /// Everything before the stream.
    pub prefix: Vec<u8>,
    /// The stream's secret.
    pub secret: Secret,
    /// The stream's associated data.
    pub aad: [u8; 48],
}

/// Begins a file that is encrypted to the vault key `key`. `entropy` must be fresh and used for nothing else.
///
/// ```
/// use enclave_core::crypto::{KemSecret, seal_bytes};
/// use enclave_core::objects::{Ciphertext, CiphertextHeader, begin_encryption};
/// use enclave_core::{Checksum, Kid, OwnerKey};
/// use enclave_core_aws_lc::AwsLc;
///
/// // A sender takes owner and key from a verified statement. The secret stays in the enclave.
/// let (owner, secret) = (OwnerKey::new([7; 32]), KemSecret::from_seed(&[1; 32])?);
/// let key = secret.public();
///
/// let function = Checksum::of(b"the bundle that may read the file");
/// let header = CiphertextHeader { owner, kid: Kid::of(&key), checksums: Some(vec![function]) };
/// let entropy = [2; 64]; // from the system's random source
/// let encryption = begin_encryption(&header, &key, &entropy)?;
/// let stream = seal_bytes::<AwsLc>(encryption.secret, &encryption.aad, b"a secret")?;
/// let file = [encryption.prefix, stream].concat();
///
/// // Only an enclave with the vault key opens it.
/// assert_eq!(Ciphertext::parse(&file)?.open::<AwsLc>(&owner, &secret)?.as_slice(), b"a secret");
/// # Ok::<(), enclave_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::WrongKey`] if the header names another key; those of [`CiphertextHeader::encode`].
#[cfg(feature = "outside")]
pub fn begin_encryption(
    header: &CiphertextHeader,
    key: &crate::crypto::KemPublicKey,
    entropy: &[u8; 64],
) -> Result<Encryption, Error> {
    if header.kid != Kid::of(key) {
        return Err(Error::WrongKey);
    }
    let header = header.encode()?;
    let (info, aad) = info(&header);
    let (enc, exporter) = crate::crypto::encap(entropy, key, &info)?;
    let mut prefix = with_head::join(MAGIC, &header, MessageKind::Ciphertext)?;
    prefix.extend_from_slice(&enc);
    Ok(Encryption { prefix, secret: Secret::new(exporter.export(b"capelet/1/stream")), aad })
}

/// An encrypted file, read but not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext<'a> {
    /// The header.
    pub header: CiphertextHeader,
    /// The header's bytes in the file.
    pub header_bytes: &'a [u8],
    enc: &'a [u8; ENC_LEN],
    stream: &'a [u8],
}

impl<'a> Ciphertext<'a> {
    /// Whether a file begins as an encrypted file does.
    #[cfg(feature = "outside")]
    pub fn is_encrypted(file: &[u8]) -> bool {
        file.starts_with(&MAGIC)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Ciphertext`].
    pub fn parse(file: &'a [u8]) -> Result<Self, Error> {
        let (header_bytes, rest) = with_head::split(MAGIC, file, MessageKind::Ciphertext)?;
        let header = CiphertextHeader::parse(header_bytes)?;
        let (enc, stream) = rest.split_first_chunk().ok_or(MALFORMED)?;
        Ok(Self { header, header_bytes, enc, stream })
    }

    /// SHA-384(header ‖ enc ‖ commitment), which names this file; see [`Commitment::to_ciphertext`]. Only the author of the
    /// file, who knows the secret of its stream, can make another one with this digest: with other chunks.
    ///
    /// [`Commitment::to_ciphertext`]: crate::Commitment::to_ciphertext
    pub fn digest(&self) -> [u8; 48] {
        let commitment = self.stream.get(..COMMITMENT_LEN).unwrap_or(self.stream);
        sha384(&[self.header_bytes, self.enc, commitment])
    }

    /// Opens the file with the vault key of `owner`. The header's owner and key are compared first.
    ///
    /// # Errors
    /// [`Error::WrongOwner`], [`Error::WrongKey`]; [`Error::CannotOpen`] for every other failure alike.
    pub fn open<C: Crypto>(&self, owner: &OwnerKey, key: &KemSecret) -> Result<SecretVec, Error> {
        if self.header.owner != *owner {
            return Err(Error::WrongOwner);
        }
        if self.header.kid != Kid::of(&key.public()) {
            return Err(Error::WrongKey);
        }
        let (info, aad) = info(self.header_bytes);
        let exporter = decap(key, self.enc, &info)?;
        open_bytes::<C>(Secret::new(exporter.export(b"capelet/1/stream")), &aad, self.stream)
    }
}
