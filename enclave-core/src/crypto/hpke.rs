//! HPKE (RFC 9180), base mode: X-Wing (0x647a), HKDF-SHA256, export-only AEAD.
//!
//! Of the crate's contexts only `export` can be reached from outside this file. Their `seal` and `open` panic without
//! an AEAD, and X-Wing panics in the modes that authenticate the sender.

use crate::{Error, MessageKind};
use alloc::boxed::Box;
use core::fmt;
#[cfg(feature = "outside")]
use hpke::aead::AeadCtxS;
use hpke::aead::{AeadCtxR, ExportOnlyAead};
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, Serializable as _};
use zeroize::Zeroizing;

/// Length of a public key in bytes: ML-KEM-768's 1184, then X25519's 32.
pub const KEM_PUBLIC_LEN: usize = 1216;
/// Length of `enc` in bytes: ML-KEM-768's ciphertext of 1088, then X25519's share of 32.
pub const ENC_LEN: usize = 1120;
/// The longest `info` in bytes. The protocol's are label ‖ 0 ‖ digest; the crate asserts a far larger limit.
pub const MAX_INFO: usize = 1024;

const MALFORMED: Error = Error::Malformed(MessageKind::Key);

#[cfg(feature = "outside")]
type PublicKey = <XWing as Kem>::PublicKey;
type EncappedKey = <XWing as Kem>::EncappedKey;

/// The public key of a [`KemSecret`].
///
/// Holding one proves its length, and that every coefficient of its ML-KEM key is below the modulus (FIPS 203, 7.2).
/// It does not prove whose key it is.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublicKey(Box<[u8; KEM_PUBLIC_LEN]>);

impl KemPublicKey {
    /// The public key of these bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Key`].
    #[cfg(feature = "outside")]
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        PublicKey::from_bytes(bytes).map_err(|_| MALFORMED)?;
        bytes.try_into().map(|bytes| Self(Box::new(bytes))).map_err(|_| MALFORMED)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; KEM_PUBLIC_LEN] {
        &self.0
    }
}

impl fmt::Debug for KemPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KemPublicKey({}…)", crate::encoding::hex(self.0.split_at(8).0))
    }
}

/// The secret key to which others encapsulate.
pub struct KemSecret {
    secret: <XWing as Kem>::PrivateKey,
}

impl KemSecret {
    /// The key of this seed.
    ///
    /// # Errors
    /// [`Error::Malformed`] of [`MessageKind::Key`] unless the seed has 32 bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, Error> {
        let secret = <XWing as Kem>::PrivateKey::from_bytes(seed).map_err(|_| MALFORMED)?;
        Ok(Self { secret })
    }

    /// The public key.
    pub fn public(&self) -> KemPublicKey {
        KemPublicKey(Box::new(XWing::sk_to_pk(&self.secret).to_bytes().into()))
    }
}

redacted!(KemSecret);

enum Context {
    #[cfg(feature = "outside")]
    Sender(AeadCtxS<ExportOnlyAead, HkdfSha256, XWing>),
    Receiver(AeadCtxR<ExportOnlyAead, HkdfSha256, XWing>),
}

/// What both sides of an encapsulation share: a source of secrets.
pub struct Exporter(Context);

impl Exporter {
    /// Export(context), 32 bytes.
    pub fn export(&self, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let done = match &self.0 {
            #[cfg(feature = "outside")]
            Context::Sender(sender) => sender.export(context, out.as_mut_slice()),
            Context::Receiver(receiver) => receiver.export(context, out.as_mut_slice()),
        };
        // RFC 9180, 5.3: one block of at most 255 is asked for. It cannot fail.
        #[allow(clippy::expect_used)]
        done.expect("one block");
        out
    }
}

redacted!(Exporter);

/// Decapsulates `enc`, which was made for the public key of `secret`.
///
/// A damaged `enc` of the right length is no error: it gives other secrets than the sender's (FIPS 203, 6.3), and
/// nothing opens under them.
///
/// # Errors
/// [`Error::Malformed`] of [`MessageKind::Key`] if `enc` has another length than [`ENC_LEN`]; [`Error::TooLarge`] if
/// `info` is longer than [`MAX_INFO`]; [`Error::CannotOpen`].
pub fn decap(secret: &KemSecret, enc: &[u8], info: &[u8]) -> Result<Exporter, Error> {
    check_info(info)?;
    let enc = EncappedKey::from_bytes(enc).map_err(|_| MALFORMED)?;
    let context = hpke::setup_receiver(&OpModeR::Base, &secret.secret, &enc, info).map_err(|_| Error::CannotOpen)?;
    Ok(Exporter(Context::Receiver(context)))
}

fn check_info(info: &[u8]) -> Result<(), Error> {
    if info.len() > MAX_INFO { Err(Error::TooLarge(MessageKind::Key)) } else { Ok(()) }
}

#[cfg(feature = "outside")]
pub use sender::encap;

/// The sender's side. No enclave encapsulates.
#[cfg(feature = "outside")]
mod sender {
    use super::{Context, ENC_LEN, Exporter, KemPublicKey, MALFORMED, PublicKey, check_info};
    use crate::Error;
    use core::convert::Infallible;
    use hpke::aead::ExportOnlyAead;
    use hpke::kdf::HkdfSha256;
    use hpke::kem::XWing;
    use hpke::rand_core::{TryCryptoRng, TryRng};
    use hpke::{Deserializable as _, OpModeS, Serializable as _};

    /// Encapsulates to `public`. `entropy` must be fresh and used for nothing else: X-Wing takes 32 bytes for ML-KEM,
    /// then 32 for X25519.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if `info` is longer than [`MAX_INFO`](super::MAX_INFO); [`Error::Malformed`] of
    /// [`MessageKind::Key`](crate::MessageKind::Key) if the crate did not use exactly the entropy given.
    pub fn encap(entropy: &[u8; 64], public: &KemPublicKey, info: &[u8]) -> Result<([u8; ENC_LEN], Exporter), Error> {
        check_info(info)?;
        let public = PublicKey::from_bytes(public.as_bytes()).map_err(|_| MALFORMED)?;
        let mut entropy = Entropy(Some(entropy.as_slice()));
        let (enc, context) = hpke::setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            info,
            &mut entropy,
        )
        .map_err(|_| MALFORMED)?;
        if entropy.0.is_none_or(|left| !left.is_empty()) {
            return Err(MALFORMED);
        }
        Ok((enc.to_bytes().into(), Exporter(Context::Sender(context))))
    }

    /// Given bytes as a random source: each is handed out once, in order. It is `None` after a request for more bytes
    /// than are left; what the request then got is not random, and [`encap`] rejects the result.
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
}
