//! HPKE (RFC 9180), base mode: X-Wing (0x647a), HKDF-SHA256, export-only AEAD. Of the crate's context only `export`
//! is reachable from here on: its seal and open panic without an AEAD, as X-Wing does in the modes that authenticate.

use crate::{Error, Part};
use core::convert::Infallible;
use core::fmt;
use hpke::aead::{AeadCtxR, AeadCtxS, ExportOnlyAead};
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use zeroize::Zeroizing;

/// Length of a public key, in bytes: ML-KEM-768's, then X25519's.
pub const PUBLIC_LEN: usize = 1216;
/// Length of `enc`, in bytes: ML-KEM-768's ciphertext, then X25519's share.
pub const ENC_LEN: usize = 1120;
/// The longest `info`, in bytes; the protocol's are label ‖ 0 ‖ digest. Far below the crate's own, which it asserts.
pub const MAX_INFO: usize = 1024;

type PublicKey = <XWing as Kem>::PublicKey;
type EncappedKey = <XWing as Kem>::EncappedKey;

/// A key to which others seal.
pub struct KemSecret {
    secret: <XWing as Kem>::PrivateKey,
}

impl KemSecret {
    /// The key of this seed, of 32 bytes: [`Error::Malformed`] (`Part::Key`).
    pub fn from_seed(seed: &[u8]) -> Result<Self, Error> {
        let secret = <XWing as Kem>::PrivateKey::from_bytes(seed).map_err(|_| Error::Malformed(Part::Key))?;
        Ok(Self { secret })
    }

    /// The public key.
    pub fn public(&self) -> [u8; PUBLIC_LEN] {
        XWing::sk_to_pk(&self.secret).to_bytes().into()
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret([redacted])")
    }
}

enum Context {
    Sender(AeadCtxS<ExportOnlyAead, HkdfSha256, XWing>),
    Receiver(AeadCtxR<ExportOnlyAead, HkdfSha256, XWing>),
}

/// What both sides have of an encapsulation: a source of secrets.
pub struct Exporter(Context);

impl Exporter {
    /// Export(context), 32 bytes.
    pub fn export(&self, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let done = match &self.0 {
            Context::Sender(sender) => sender.export(context, out.as_mut_slice()),
            Context::Receiver(receiver) => receiver.export(context, out.as_mut_slice()),
        };
        // RFC 9180, 5.3: one block of the 255 that could be had.
        #[allow(clippy::expect_used)]
        done.expect("one block");
        out
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter([redacted])")
    }
}

/// Whether the bytes are a public key: their length, and every coefficient of ML-KEM's below its modulus (FIPS 203,
/// 7.2). [`Error::Malformed`] (`Part::Key`).
pub fn check_public(public: &[u8]) -> Result<(), Error> {
    read_public(public).map(|_| ())
}

fn read_public(public: &[u8]) -> Result<PublicKey, Error> {
    PublicKey::from_bytes(public).map_err(|_| Error::Malformed(Part::Key))
}

/// Opens `enc`, as the one whose key it was made for. A damaged `enc` of the right length is no error: it gives
/// other secrets than the sender's (FIPS 203, 6.3), and nothing opens under them.
pub fn receive(secret: &KemSecret, enc: &[u8], info: &[u8]) -> Result<Exporter, Error> {
    check_info(info)?;
    let enc = EncappedKey::from_bytes(enc).map_err(|_| Error::Malformed(Part::Key))?;
    let context = hpke::setup_receiver(&OpModeR::Base, &secret.secret, &enc, info).map_err(|_| Error::CannotOpen)?;
    Ok(Exporter(Context::Receiver(context)))
}

/// Encapsulates to `public`. `entropy` is fresh and used for nothing else: X-Wing's 32 bytes for ML-KEM, then 32 for
/// X25519.
pub fn send(entropy: &[u8; 64], public: &[u8], info: &[u8]) -> Result<([u8; ENC_LEN], Exporter), Error> {
    check_info(info)?;
    let public = read_public(public)?;
    let mut entropy = Entropy(Some(entropy.as_slice()));
    let (enc, context) =
        hpke::setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, XWing>(&OpModeS::Base, &public, info, &mut entropy)
            .map_err(|_| Error::Malformed(Part::Key))?;
    if entropy.0.is_none_or(|left| !left.is_empty()) {
        return Err(Error::Malformed(Part::Key));
    }
    Ok((enc.to_bytes().into(), Exporter(Context::Sender(context))))
}

fn check_info(info: &[u8]) -> Result<(), Error> {
    if info.len() > MAX_INFO { Err(Error::TooLarge(Part::Key)) } else { Ok(()) }
}

/// Given bytes as a source of randomness: each is handed out once, in order. [`None`] after more was asked for than
/// there is; what it then gave is worthless, and [`send`] refuses it.
struct Entropy<'a>(Option<&'a [u8]>);

impl TryRng for Entropy<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0 = self.0.and_then(|left| left.split_at_checked(out.len())).map(|(given, left)| {
            out.copy_from_slice(given);
            left
        });
        Ok(())
    }
}

impl TryCryptoRng for Entropy<'_> {}
