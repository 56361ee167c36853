//! Newtypes for what would otherwise be `[u8; 32]`: a swapped argument does not compile.
//!
//! A value of one of these types proves its length and its role. It does not prove that anyone verified it.

use crate::Error;
use crate::crypto::{KemPublicKey, sha256};
#[cfg(feature = "outside")]
use crate::encoding::base32_encode;
use crate::encoding::{FixedBytes, hex, verify1};
use crate::time::UnixMillis;
use alloc::boxed::Box;
#[cfg(feature = "outside")]
use alloc::string::String;
use core::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

macro_rules! public_bytes {
    ($($(#[$doc:meta])* $name:ident: $length:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// These bytes in this role.
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl FixedBytes for $name {
            fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex(&self.0))
            }
        }
    )*};
}

public_bytes! {
    /// An owner's Ed25519 public key (RFC 8032): who an owner, a caller or a deployer is.
    OwnerKey: 32;
    /// The Ed25519 public key (RFC 8032) that signs the receipts of one boot of an enclave.
    ReceiptKey: 32;
    /// The id of a stored object: random for a function, the first half of the [`Kid`] for a vault key.
    ObjectId: 16;
    /// SHA-256("capelet/1/bundle" ‖ 0 ‖ bundle): names a function's code.
    Checksum: 32;
    /// SHA-256("capelet/1/kid" ‖ 0 ‖ public key): names a vault key.
    Kid: 32;
    /// What a client chose so that a document is fresh.
    Nonce: 32;
    /// What a client chose so that a request is accepted once.
    RequestId: 16;
    /// SHA-384 of a session's claims.
    ClaimsDigest: 48;
    /// H("capelet/1/request-digest", request): the name of a request in its response and receipt.
    RequestDigest: 48;
    /// What hides the data behind a [`Commitment`] until its owner discloses the salt.
    Salt: 32;
    /// SHA-256("capelet/1/commitment" ‖ 0 ‖ salt ‖ data): what a receipt says of an input or an output.
    Commitment: 32;
    /// The value of a PCR, SHA-384.
    Pcr: 48;
}

impl OwnerKey {
    /// How people name an owner: base32 of the first 20 bytes of H("capelet/1/owner", key), 32 characters.
    #[cfg(feature = "outside")]
    pub fn fingerprint(&self) -> String {
        let digest = crate::crypto::labelled_sha384("capelet/1/owner", &self.0);
        base32_encode(digest.first_chunk::<20>().map_or(&[], |cut| cut.as_slice()))
    }

    /// The payload of a COSE_Sign1 `message` of type `typ` that this owner signed together with `external_aad`.
    ///
    /// # Errors
    /// As [`verify1`].
    pub fn verify<'a>(&self, typ: &str, external_aad: &[u8], message: &'a [u8]) -> Result<&'a [u8], Error> {
        verify1(&self.0, typ, external_aad, message)
    }
}

impl Checksum {
    /// The checksum of `bundle`. It is public: anyone who can guess a bundle can confirm the guess, unless the
    /// manifest has a nonce.
    pub fn of(bundle: &[u8]) -> Self {
        Self(sha256(&[b"capelet/1/bundle\0", bundle]))
    }
}

impl Kid {
    /// The name of the vault key with this public key.
    pub fn of(key: &KemPublicKey) -> Self {
        Self(sha256(&[b"capelet/1/kid\0", key.as_bytes()]))
    }

    /// The id under which the vault key is stored: the first 16 bytes of its name.
    pub fn object_id(&self) -> ObjectId {
        let mut id = [0; 16];
        id.copy_from_slice(self.0.split_at(16).0);
        ObjectId(id)
    }
}

impl Commitment {
    /// The commitment to `data` under `salt`.
    pub fn to(salt: &Salt, data: &[u8]) -> Self {
        Self(sha256(&[b"capelet/1/commitment\0", &salt.0, data]))
    }

    /// The commitment under `salt` to an encrypted file: its vault key, and the
    /// [digest](crate::objects::Ciphertext::digest) of its beginning.
    pub fn to_ciphertext(salt: &Salt, kid: &Kid, digest: &[u8; 48]) -> Self {
        Self(sha256(&[b"capelet/1/commitment-ct\0", &salt.0, &kid.0, digest]))
    }
}

impl Pcr {
    /// What a PCR holds that nothing was measured into; in PCR0, PCR1 and PCR2 it means debug mode.
    pub const ZERO: Self = Self([0; 48]);
}

macro_rules! secret_bytes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Box<Zeroizing<[u8; 32]>>);

        impl $name {
            /// A copy of these bytes in this role. It lies in a box, because a move would leave the bytes behind.
            pub fn new(bytes: &[u8; 32]) -> Self {
                let mut copy = Box::new(Zeroizing::new([0; 32]));
                copy.copy_from_slice(bytes);
                Self(copy)
            }

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl FixedBytes for $name {
            fn from_slice(bytes: &[u8]) -> Option<Self> {
                <&[u8; 32]>::try_from(bytes).ok().map(Self::new)
            }
        }

        /// In constant time.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes().ct_eq(other.as_bytes()).into()
            }
        }

        impl Eq for $name {}

        redacted!($name);
    )*};
}

secret_bytes! {
    /// The owner's part of the key to one object; the [`DataKey`] is the other. 32 bytes, zeroized when dropped.
    KeyShare;
    /// KMS's part of the key to one object; the [`KeyShare`] is the other. 32 bytes, zeroized when dropped.
    DataKey;
}

/// The moment after which a request must not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(UnixMillis);

impl Deadline {
    /// How far ahead of now a deadline may lie, in milliseconds.
    pub const MAX_AHEAD: u64 = 600_000;

    /// Nothing starts after `time`.
    pub const fn new(time: UnixMillis) -> Self {
        Self(time)
    }

    /// The last moment at which the request may start.
    pub const fn time(self) -> UnixMillis {
        self.0
    }

    /// Whether something may start `now`.
    ///
    /// # Errors
    /// [`Error::RequestExpired`] if the deadline has passed.
    pub fn check(self, now: UnixMillis) -> Result<(), Error> {
        if now > self.0 { Err(Error::RequestExpired) } else { Ok(()) }
    }

    /// Whether a request with this deadline may be accepted `now`.
    ///
    /// # Errors
    /// [`Error::RequestExpired`] if the deadline has passed or lies more than [`Self::MAX_AHEAD`] ahead.
    pub fn accept(self, now: UnixMillis) -> Result<(), Error> {
        self.check(now)?;
        if self.0 > now.plus(Self::MAX_AHEAD) { Err(Error::RequestExpired) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_admits_its_own_millisecond_and_none_later() {
        let deadline = Deadline::new(UnixMillis::new(1_000));
        assert_eq!(deadline.check(UnixMillis::new(1_000)), Ok(()));
        assert_eq!(deadline.check(UnixMillis::new(1_001)), Err(Error::RequestExpired));
    }

    #[test]
    fn a_deadline_too_far_ahead_is_not_accepted() {
        let now = UnixMillis::new(5);
        assert_eq!(Deadline::new(now.plus(Deadline::MAX_AHEAD)).accept(now), Ok(()));
        assert_eq!(Deadline::new(now.plus(Deadline::MAX_AHEAD + 1)).accept(now), Err(Error::RequestExpired));
    }

    #[test]
    fn secrets_are_compared_whole_and_never_printed() {
        let share = |byte, last| {
            let mut bytes = Zeroizing::new([byte; 32]);
            bytes[31] = last;
            KeyShare::new(&bytes)
        };
        assert_eq!(share(1, 2), share(1, 2));
        assert_ne!(share(1, 2), share(1, 3));
        assert_eq!(alloc::format!("{:?}", share(7, 7)), "KeyShare([redacted])");
    }
}
