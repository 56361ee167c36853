//! People: one secret each, from which follow the key that signs and the halves without which nothing opens; and
//! COSE_Sign1 (RFC 9052, 4.2), the one form of a signature.

use crate::cbor::{Reader, TAG_SIGN1, Writer};
use crate::{Error, Part, digest, kdf, text};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

const MALFORMED: Error = Error::Malformed(Part::Sign1);
/// EdDSA, in COSE's registry.
const EDDSA: i64 = -8;
/// The longest message that is signed, in bytes: no head is longer.
const MAX_SIGN1: usize = 65_536;
/// The longest protected header, in bytes.
const MAX_PROTECTED: usize = 64;
/// More than signature, tags and lengths take, in bytes.
const AROUND: usize = 160;

/// An Ed25519 key that signs (RFC 8032): a person's, or the one of an enclave's receipts.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of this seed.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The key by which its signatures are verified.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs `payload` as a `typ`, together with `external_aad`, which is not sent along.
    pub fn sign1(&self, typ: &str, external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
        let protected = protected(typ);
        let signature = self.0.sign(&to_be_signed(&protected, external_aad, payload));
        let mut writer = Writer::with_capacity(payload.len() + MAX_PROTECTED + AROUND);
        writer.tag(TAG_SIGN1).array(4).bytes(&protected).map(0).bytes(payload).bytes(&signature.to_bytes());
        writer.finish()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// A person's one secret, as it is used.
pub struct Identity {
    signing: SigningKey,
    seal: Zeroizing<[u8; 32]>,
}

impl Identity {
    /// The identity of this secret.
    pub fn from_secret(secret: Zeroizing<[u8; 32]>) -> Self {
        let seed = kdf::expand(&secret, &[b"capelet/1/sign"]);
        Self { signing: SigningKey::from_seed(&seed), seal: kdf::expand(&secret, &[b"capelet/1/seal"]) }
    }

    /// The Ed25519 key by which others know her.
    pub fn owner(&self) -> [u8; 32] {
        self.signing.public()
    }

    /// Her half of the key to one object. `root_der` is the root certificate under which the enclave was verified:
    /// what a development enclave is given opens nothing in production. `kind` is the object's, `version` its
    /// version or epoch.
    pub fn half(&self, root_der: &[u8], kind: u8, id: &[u8; 16], version: u64) -> Zeroizing<[u8; 32]> {
        let root = digest::sha256(&[root_der]);
        kdf::expand(&self.seal, &[b"capelet/1/half\0", &root, &[kind], id, &version.to_be_bytes()])
    }

    /// Signs as [`SigningKey::sign1`] does.
    pub fn sign1(&self, typ: &str, external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
        self.signing.sign1(typ, external_aad, payload)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

/// How people name an owner: base32 of the first 20 bytes of H("capelet/1/owner", key), 32 characters.
pub fn fingerprint(owner: &[u8; 32]) -> String {
    let digest = digest::labelled("capelet/1/owner", owner);
    text::base32_encode(digest.first_chunk::<20>().map_or(&[], |cut| cut.as_slice()))
}

/// The payload of a message of kind `typ` that `key` signed together with `external_aad`.
///
/// Strict: tag 18, no unprotected header, exactly the expected protected one, canonical S, neither key nor R of
/// small order. [`Error::Malformed`] (`Part::Sign1`) or [`Error::BadSignature`].
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

/// The payload, *unverified*: for a message that names its signer. [`verify1`] must follow before anything else is
/// made of it.
pub fn payload1(message: &[u8]) -> Result<&[u8], Error> {
    Sign1::parse(message).map(|message| message.payload)
}

/// A message taken apart, nothing of it verified.
struct Sign1<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signature: Signature,
}

impl<'a> Sign1<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, Error> {
        if message.len() > MAX_SIGN1 {
            return Err(Error::TooLarge(Part::Sign1));
        }
        let mut reader = Reader::new(message, Part::Sign1)?;
        reader.tag(TAG_SIGN1)?;
        reader.array(4)?;
        let protected = reader.bytes(1, MAX_PROTECTED)?;
        reader.map(0)?;
        let payload = reader.bytes(0, MAX_SIGN1)?;
        let signature = Signature::from_bytes(&reader.fixed()?);
        reader.end()?;
        Ok(Self { protected, payload, signature })
    }
}

/// {1: -8, 16: typ}: algorithm, and the typ header of RFC 9596.
fn protected(typ: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(2).uint(1).int(EDDSA).uint(16).text(typ);
    writer.finish()
}

/// Sig_structure (RFC 9052, 4.4).
fn to_be_signed(protected: &[u8], external_aad: &[u8], payload: &[u8]) -> Zeroizing<Vec<u8>> {
    // A request's payload holds halves.
    let mut writer = Writer::with_capacity(payload.len() + external_aad.len() + protected.len() + AROUND);
    writer.array(4).text("Signature1").bytes(protected).bytes(external_aad).bytes(payload);
    Zeroizing::new(writer.finish())
}
