//! COSE_Sign1 (RFC 9052, 4.2) with Ed25519, the one form of a signature in the protocol.

use crate::encoding::cbor::{Reader, TAG_SIGN1, Writer};
use crate::{Error, MessageKind};
use alloc::vec::Vec;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

const MALFORMED: Error = Error::Malformed(MessageKind::Sign1);
/// EdDSA in the IANA registry of COSE algorithms.
const EDDSA: i64 = -8;
/// The longest signed message, in bytes. No message head is longer.
const MAX_SIGN1: usize = 65_536;
/// The longest protected header, in bytes.
const MAX_PROTECTED: usize = 64;
/// An upper bound of what signature, tags and lengths add to a payload, in bytes.
const OVERHEAD: usize = 160;

/// An Ed25519 signing key (RFC 8032): an owner's, or the one of an enclave's receipts.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of this seed.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// A COSE_Sign1 of type `typ` over `payload` and over `external_aad`, which the message does not contain.
    pub fn sign1(&self, typ: &str, external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
        let protected = protected(typ);
        let signature = self.0.sign(&to_be_signed(&protected, external_aad, payload));
        let mut writer = Writer::with_capacity(payload.len() + MAX_PROTECTED + OVERHEAD);
        writer.tag(TAG_SIGN1).array(4).bytes(&protected).map(0).bytes(payload).bytes(signature.to_bytes());
        writer.finish()
    }
}

redacted!(SigningKey);

/// The payload of a COSE_Sign1 of type `typ` that the holder of `key` signed together with `external_aad`.
///
/// Strict: tag 18, an empty unprotected header, exactly the expected protected header, a canonical S, and neither the
/// key nor R of small order.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Sign1`]; [`Error::BadSignature`].
pub fn verify1<'a>(key: &[u8; 32], typ: &str, external_aad: &[u8], message: &'a [u8]) -> Result<&'a [u8], Error> {
    let message = Sign1::parse(message)?;
    if message.protected != protected(typ) {
        return Err(MALFORMED);
    }
    let signed = to_be_signed(message.protected, external_aad, message.payload);
    let key = VerifyingKey::from_bytes(key).map_err(|_| Error::BadSignature)?;
    key.verify_strict(&signed, &message.signature).map_err(|_| Error::BadSignature)?;
    Ok(message.payload)
}

/// The payload of a COSE_Sign1, *not verified*. It serves to learn which key signed; [`verify1`] with that key must
/// follow before anything else is done with it.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::TooLarge`] of [`MessageKind::Sign1`].
pub fn payload1(message: &[u8]) -> Result<&[u8], Error> {
    Sign1::parse(message).map(|message| message.payload)
}

/// The parts of a message, not verified.
struct Sign1<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signature: Signature,
}

impl<'a> Sign1<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, Error> {
        if message.len() > MAX_SIGN1 {
            return Err(Error::TooLarge(MessageKind::Sign1));
        }
        let mut reader = Reader::new(message, MessageKind::Sign1)?;
        reader.tag(TAG_SIGN1)?;
        let (protected, payload) = (reader.array(4)?.bytes(1, MAX_PROTECTED)?, reader.map(0)?.bytes(0, MAX_SIGN1)?);
        let signature = Signature::from_bytes(&reader.fixed()?);
        reader.end()?;
        Ok(Self { protected, payload, signature })
    }
}

/// {1: -8, 16: typ}: the algorithm, and the `typ` header of RFC 9596.
fn protected(typ: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(2).uint(1).int(EDDSA).uint(16).text(typ);
    writer.finish()
}

/// Sig_structure (RFC 9052, 4.4). It is zeroized because a request's payload contains key shares.
fn to_be_signed(protected: &[u8], external_aad: &[u8], payload: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer::with_capacity(payload.len() + external_aad.len() + protected.len() + OVERHEAD);
    writer.array(4).text("Signature1").bytes(protected).bytes(external_aad).bytes(payload);
    Zeroizing::new(writer.finish())
}
