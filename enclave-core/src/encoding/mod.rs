//! How bytes are written and read: deterministic CBOR, COSE_Sign1, DER, text forms, frames.

mod allocate;
mod cbor;
mod cose;
pub(crate) mod der;
mod frame;
mod secret_vec;
mod text;

pub use allocate::allocate;
#[cfg(feature = "outside")]
pub(crate) use cbor::head;
pub use cbor::{FixedBytes, MAX_DEPTH, Reader, TAG_SIGN1, Writer};
pub use cose::{SigningKey, payload1, verify1};
pub use frame::{Channel, MAX_FRAME, append_frame, read_frame, write_frame};
pub use secret_vec::SecretVec;
#[cfg(feature = "outside")]
pub use text::{CAPE, base32_encode, cape_decode, cape_encode};
pub use text::{base64url_decode, base64url_encode, hex};
