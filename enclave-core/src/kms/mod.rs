//! The enclave's side of AWS KMS: data keys that only this enclave can read, and what can be read about a KMS key.
//!
//! TLS to KMS ends inside the enclave, under compiled-in roots, at the host that follows from the key's ARN.
//! Attestation authenticates neither key nor context nor ciphertext. The enclave therefore sends the ARN and compares
//! it with the answer's, and binds every data key to the encryption context of one object. An answer with a plaintext
//! in it could be read by anyone on the way, and is refused. Each call has an RSA key of its own, and a document that
//! was made for that RSA key.

mod arn;
#[cfg(feature = "outside")]
mod arn_rejection;
mod base64;
mod calls;
mod cms;
mod exchange;
mod http;
mod json;
mod key_metadata;
mod key_reading;
mod key_state;
mod sigv4;

pub use arn::{ARN_MAX, ARN_MIN, Arn, is_region, kms_host};
#[cfg(feature = "outside")]
pub use arn_rejection::ArnRejection;
pub use calls::{MAX_GRANTS, MAX_PAGES, MAX_WRAPPED, decrypt, generate_data_key, key_metadata, key_policy};
pub use cms::{MAX_MESSAGE, Message, open_message};
pub use http::{MAX_KMS_BODY, MAX_KMS_HEAD};
pub use key_metadata::{KeyMetadata, MAX_METADATA};
pub use key_reading::{MAX_POLICY, configured_key, read_key, unchanged_key};
pub use key_state::{AcceptedKey, KeyReading, KmsKeyState};
