//! `CiphertextForRecipient`: the CMS EnvelopedData (RFC 5652, 6) in which KMS sends a key to an enclave.
//!
//! KMS writes BER: outer lengths are indefinite, the content is one piece or in chunks. Only this is accepted: definite
//! lengths in their shortest form; one recipient, named by the SHA-256 of the public key that was sent; RSAES-OAEP with
//! SHA-256, MGF1 with SHA-256 and no label; AES-256-CBC. Some emulators of KMS write DER, version 0, issuer and serial
//! number. That form names no key that could be compared, and is rejected.
//!
//! CBC authenticates nothing. TLS authenticates KMS, and the stream's commitment detects a wrong data key. All failures
//! give one error, so that no one learns how far a message got.

use crate::Error;
use crate::crypto::{Crypto, sha256};
use crate::encoding::der::{Der, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, SET};
use crate::platform::Recipient;
use alloc::boxed::Box;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The longest message, in bytes (AWS KMS API Reference, Decrypt, `CiphertextForRecipient`).
pub const MAX_MESSAGE: usize = 6_144;

/// 1.2.840.113549.1.7.3, envelopedData.
const ID_ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.7.1, data.
const ID_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.1.7, RSAES-OAEP.
const ID_RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// 1.2.840.113549.1.1.8, MGF1.
const ID_MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 2.16.840.1.101.3.4.2.1, SHA-256.
const ID_SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 2.16.840.1.101.3.4.1.42, AES-256 in CBC mode.
const ID_AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// `[0]`, primitive.
const CONTEXT_0: u8 = 0x80;
/// `[0]`, constructed.
const CONTEXT_0_OF: u8 = 0xa0;
/// `[1]`, constructed.
const CONTEXT_1_OF: u8 = 0xa1;
/// A length that is indefinite: the content ends with two zero bytes.
const INDEFINITE: u8 = 0x80;

/// A message, not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The recipient's subjectKeyIdentifier: SHA-256 of the public key, SPKI in DER.
    pub recipient: [u8; 32],
    /// The content's key, encrypted to the recipient's.
    pub encrypted_key: &'a [u8],
    /// Initialization vector.
    pub iv: [u8; 16],
    /// The encrypted content, its chunks joined.
    pub content: Vec<u8>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Error::CannotOpen`] for every failure alike.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_MESSAGE {
            return Err(Error::CannotOpen);
        }
        let mut ber = Ber(Der(bytes));
        let message = ber.constructed(SEQUENCE, |info| {
            info.exactly(OID, ID_ENVELOPED_DATA)?;
            info.constructed(CONTEXT_0_OF, |explicit| explicit.constructed(SEQUENCE, enveloped_data))
        })?;
        ber.end()?;
        Ok(message)
    }
}

/// The content of a message to `recipient`. The recipient's key is consumed, whether the message opened or not.
///
/// # Errors
/// [`Error::CannotOpen`] for every failure alike.
pub fn open_message<C: Crypto>(cms: &[u8], recipient: Box<dyn Recipient>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let message = Message::parse(cms)?;
    if message.recipient != sha256(&[recipient.public_key()]) {
        return Err(Error::CannotOpen);
    }
    let key = recipient.open(message.encrypted_key).map_err(|_| Error::CannotOpen)?;
    let key = key.as_slice().try_into().map_err(|_| Error::CannotOpen)?;
    C::aes_256_cbc(key, &message.iv, &message.content).map_err(|_| Error::CannotOpen)
}

fn enveloped_data<'a>(data: &mut Ber<'a>) -> Result<Message<'a>, Error> {
    data.exactly(INTEGER, &[2])?;
    let (recipient, encrypted_key) = data.constructed(SET, |recipients| {
        recipients.constructed(SEQUENCE, |info| {
            info.exactly(INTEGER, &[2])?;
            let recipient = info.fixed(CONTEXT_0)?;
            info.constructed(SEQUENCE, rsaes_oaep)?;
            Ok((recipient, info.read(OCTET_STRING)?))
        })
    })?;
    let (iv, content) = data.constructed(SEQUENCE, |info| {
        info.exactly(OID, ID_DATA)?;
        let iv = info.constructed(SEQUENCE, |algorithm| {
            algorithm.exactly(OID, ID_AES_256_CBC)?;
            algorithm.fixed(OCTET_STRING)
        })?;
        Ok((iv, content(info)?))
    })?;
    Ok(Message { recipient, encrypted_key, iv, content })
}

/// The parameters of RSAES-OAEP (RFC 4055, 4.1). Without that of the label, the label is empty.
fn rsaes_oaep(algorithm: &mut Ber<'_>) -> Result<(), Error> {
    algorithm.exactly(OID, ID_RSAES_OAEP)?;
    algorithm.constructed(SEQUENCE, |parameters| {
        parameters.constructed(CONTEXT_0_OF, |hash| hash.constructed(SEQUENCE, hash_sha256))?;
        parameters.constructed(CONTEXT_1_OF, |mask| {
            mask.constructed(SEQUENCE, |mgf1| {
                mgf1.exactly(OID, ID_MGF1)?;
                mgf1.constructed(SEQUENCE, hash_sha256)
            })
        })
    })
}

/// SHA-256. Its parameters are absent or NULL; RFC 4055, 2.1 demands that both are accepted.
fn hash_sha256(algorithm: &mut Ber<'_>) -> Result<(), Error> {
    algorithm.exactly(OID, ID_SHA256)?;
    if algorithm.0.next_is(NULL) { algorithm.exactly(NULL, &[]) } else { Ok(()) }
}

/// encryptedContent, `[0]` IMPLICIT OCTET STRING: primitive, or constructed of OCTET STRINGs.
fn content(info: &mut Ber<'_>) -> Result<Vec<u8>, Error> {
    if info.0.next_is(CONTEXT_0) {
        return Ok(info.read(CONTEXT_0)?.to_vec());
    }
    info.constructed(CONTEXT_0_OF, |chunks| {
        let mut content = Vec::new();
        while chunks.0.next_is(OCTET_STRING) {
            content.extend_from_slice(chunks.read(OCTET_STRING)?);
        }
        Ok(content)
    })
}

/// DER in which constructed elements may have an indefinite length (ITU-T X.690, 8.1.3.6).
struct Ber<'a>(Der<'a>);

impl<'a> Ber<'a> {
    /// The content of the next element, of definite length.
    fn read(&mut self, tag: u8) -> Result<&'a [u8], Error> {
        self.0.read(tag).map_err(|_| Error::CannotOpen)
    }

    /// The next element, which must have exactly this content.
    fn exactly(&mut self, tag: u8, content: &[u8]) -> Result<(), Error> {
        if self.read(tag)? == content { Ok(()) } else { Err(Error::CannotOpen) }
    }

    /// The content of the next element, which must have `N` bytes.
    fn fixed<const N: usize>(&mut self, tag: u8) -> Result<[u8; N], Error> {
        self.read(tag)?.try_into().map_err(|_| Error::CannotOpen)
    }

    /// The next constructed element; `read` must read its content to the end.
    fn constructed<T>(&mut self, tag: u8, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        match self.0.0 {
            [found, INDEFINITE, rest @ ..] if *found == tag => {
                let mut inner = Self(Der(rest));
                let value = read(&mut inner)?;
                let [0, 0, rest @ ..] = inner.0.0 else { return Err(Error::CannotOpen) };
                self.0 = Der(rest);
                Ok(value)
            }
            _ => {
                let mut inner = Self(Der(self.read(tag)?));
                let value = read(&mut inner)?;
                inner.end()?;
                Ok(value)
            }
        }
    }

    fn end(&self) -> Result<(), Error> {
        self.0.end().map_err(|_| Error::CannotOpen)
    }
}
