//! What comes from KMS: messages that KMS made or that OpenSSL made like them, AWS's vectors for what is signed, and
//! exchanges with a KMS that answers wrongly in every way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "kms_vectors/cms.rs"]
mod cms;
#[path = "kms_vectors/exchange.rs"]
mod exchange;
#[path = "kms_vectors/fake.rs"]
mod fake;
#[path = "kms_vectors/readings.rs"]
mod readings;
