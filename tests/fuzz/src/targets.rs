//! The targets. `check` of each module is the body of the binary with the same name.

pub mod bundle;
pub mod cbor;
pub mod ciphertext;
pub mod claims;
pub mod cms;
pub mod configuration;
pub mod cpio;
pub mod document;
pub mod eif;
pub mod frame;
pub mod gzip;
pub mod handshake;
pub mod hello;
pub mod job;
pub mod kms;
pub mod object;
pub mod parent;
pub mod receipt;
pub mod request;
pub mod response;
pub mod session;
pub mod statement;
pub mod stream;
pub mod text;
